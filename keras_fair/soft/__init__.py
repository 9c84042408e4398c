"""Statements measured on a batch in two ways: strictly, and through a stand-in that has a gradient.

events      conditions on y, taken apart into decisions on y and conditions on groups
moments     each statistic as a quotient of sums over samples
values      what is summed: a number for each sample, from predictions, labels and columns
lower       from statements to a plan
plan        the plan: a batch in, gaps and their sampling variance out

Layers that train the weights (`keras_fair.layers.FairnessPenalty`, `FairnessLagrangian`) consume it.
"""
