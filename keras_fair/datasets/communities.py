"""Communities and crime: violent crimes per head in 1,994 communities of the United States.

Redmond, UCI 2009: census of 1990, police survey of 1990, crimes reported to the FBI in 1995; the publisher
asks that the sources be cited. A regression: the label is no class but a number in [0, 1], and so is every
feature, all scaled by the publisher. What is done to the file: columns get names (it has no header), in lower
case; `?` is a missing number; state, county, community, its name and the fold are no features. 22 columns on
the police are missing for 1,675 communities. There is no agreed binary version of the label, nor of the
shares of races.
"""

from __future__ import annotations

import os

import numpy as np

from keras_fair.datasets.source import PublicFile, read_text
from keras_fair.datasets.split import Split, shuffled_split
from keras_fair.datasets.table import categories, numbers, read_columns

__all__ = ["load_data"]

_FILE = PublicFile(
    "communities.data",
    "09e0b5c07eae24c1efab19b2edee05e160e7f5743b6f31e31eec3d73624da2ea",
    1_102_815,
    (
        "https://archive.ics.uci.edu/ml/machine-learning-databases/communities/communities.data",
        "https://raw.githubusercontent.com/Neo-Panther/ML-Project-Predicting-Crime-Rate/"
        "01f2668f54641f26a80988d32b3c94588c0722af/communities%2Band%2Bcrime.zip",
    ),
)
_COLUMNS = """
state county community communityname fold population householdsize racepctblack racepctwhite
racepctasian racepcthisp agepct12t21 agepct12t29 agepct16t24 agepct65up numburban pcturban medincome
pctwwage pctwfarmself pctwinvinc pctwsocsec pctwpubasst pctwretire medfaminc percapinc whitepercap
blackpercap indianpercap asianpercap otherpercap hisppercap numunderpov pctpopunderpov pctless9thgrade
pctnothsgrad pctbsormore pctunemployed pctemploy pctemplmanu pctemplprofserv pctoccupmanu
pctoccupmgmtprof malepctdivorce malepctnevmarr femalepctdiv totalpctdiv persperfam pctfam2par
pctkids2par pctyoungkids2par pctteen2par pctworkmomyoungkids pctworkmom numilleg pctilleg numimmig
pctimmigrecent pctimmigrec5 pctimmigrec8 pctimmigrec10 pctrecentimmig pctrecimmig5 pctrecimmig8
pctrecimmig10 pctspeakenglonly pctnotspeakenglwell pctlarghousefam pctlarghouseoccup persperoccuphous
persperownocchous persperrentocchous pctpersownoccup pctpersdensehous pcthousless3br mednumbr housvacant
pcthousoccup pcthousownocc pctvacantboarded pctvacmore6mos medyrhousbuilt pcthousnophone pctwofullplumb
ownocclowquart ownoccmedval ownocchiquart rentlowq rentmedian renthighq medrent medrentpcthousinc
medowncostpctinc medowncostpctincnomtg numinshelters numstreet pctforeignborn pctbornsamestate
pctsamehouse85 pctsamecity85 pctsamestate85 lemasswornft lemasswftperpop lemasswftfieldops
lemasswftfieldperpop lemastotalreq lemastotreqperpop policreqperoffic policperpop racialmatchcommpol
pctpolicwhite pctpolicblack pctpolichisp pctpolicasian pctpolicminor officassgndrugunits
numkindsdrugsseiz policaveotworked landarea popdens pctusepubtrans policcars policoperbudg
lemaspctpoliconpatr lemasgangunitdeploy lemaspctofficdrugun policbudgperpop violentcrimesperpop
"""
_NOT_PREDICTIVE = ("state", "county", "community", "communityname", "fold")
_LABEL = "violentcrimesperpop"
_ATTRIBUTES = ("racepctasian", "racepctblack", "racepcthisp", "racepctwhite")


def load_data(
    path: str | os.PathLike[str] | None = None,
    *,
    test_split: float = 0.2,
    seed: int = 113,
    fold: int | None = None,
) -> tuple[Split, Split]:
    """The communities and crime data set: a regression with continuous attributes.

    Args:
        path: The file, or the folder that holds it. `None` looks in the folder named by `KERAS_FAIR_DATA`,
            then in the Keras cache, then downloads.
        test_split: The share of test communities, in (0, 1).
        seed: Seed of the split, an integer >= 0.
        fold: One of the ten published folds, 1 to 10: its communities are the test part, in the order of the
            file, and `test_split` and `seed` say nothing. `None` splits at random.

    Returns:
        `(train, test)`, each a `Split`: `label` is the number of violent crimes per head, scaled to [0, 1];
        `attributes` are the shares racepctasian, racepctblack, racepcthisp and racepctwhite of the
        population, numbers scaled to [0, 1] as well.

    Raises:
        FileNotFoundError: If the file is nowhere, or there is no network to download it.
        ValueError: If the file is not the published one, or `test_split` or `fold` is out of range.

    Example:

    ```python
    train, test = keras_fair.datasets.communities.load_data()
    ```
    """
    if fold is not None and fold not in range(1, 11):
        raise ValueError(f"expected fold to be None or one of 1 to 10, received fold={fold!r}")
    columns = read_columns(read_text(_FILE, path), _COLUMNS)
    communities = _communities(columns)
    if fold is None:
        return shuffled_split(communities, test_split, seed)
    held_out = columns["fold"] == str(fold)
    return communities.take(~held_out), communities.take(held_out)


def _communities(columns: dict[str, np.ndarray]) -> Split:
    columns = {
        name: numbers(categories(column, missing=["?"]))
        for name, column in columns.items()
        if name not in _NOT_PREDICTIVE
    }
    label = columns.pop(_LABEL)
    return Split(columns, label, {name: columns[name] for name in _ATTRIBUTES})
