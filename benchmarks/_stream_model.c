/* The step of keras_fair/ops/stream for one arrival of weight 1 on [0, 1], written a second time in plain C.

   Groups 0 ... groups - 1 that do not overlap. `spread` 0: the first two groups' means differ by at most
   `tolerance`; 1: the spread of all means is at most `tolerance`. Benchmarks compare it with the real stream,
   then use it where a million arrivals are needed. */

#include <math.h>
#include <string.h>

#define MOST 16

typedef struct {
    double step, margin, tolerance;
    int groups, spread;
} Rule;

typedef struct {
    double sum[MOST], count[MOST];        /* fair predictions */
    double first[MOST], second[MOST];     /* raw ones, and their squares */
    double price[MOST], arrivals;         /* the price of a difference is the first */
} State;

typedef struct {
    double low, high, stiff, most;
} Spring;

static double clipped(double x, double most) { return x < -most ? -most : x > most ? most : x; }

static double in_domain(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

static double pull(Spring s, double v) {
    return v > s.high ? s.stiff * (v - s.high) : v < s.low ? s.stiff * (v - s.low) : 0;
}

/* K of a relation: its curvature C, the variance D of its value, and what lasts of its pull. */
static double firmness(const Rule *rule, double t, double c, double d, double lasting) {
    double root = sqrt(1 / c), firm = 8 * pow(lasting * c / sqrt(d > 0 ? d : 1), 2.0 / 3.0);
    double most = 5 * root, batch = most * pow(rule->step * most / t, 2);
    return rule->step * (fmin(fmax(firm, 0.5 * root), most) + batch);
}

/* The spring of a row: its own C and D, the D of its relation's other rows, K, how far it was past its bounds. */
static Spring spring(const Rule *rule, double t, double low, double high, double c, double d, double others,
                     double firm, double people, double price, double largest, double past, double over, double under) {
    Spring s;
    double width = high - low, lasting = price * t;
    double rho = rule->step * pow(t, 1.5), bound = largest / rho;
    double swing = rule->margin * d / sqrt((d + others > 0 ? d + others : 1) * (2 * firm + 1));
    swing = fmin(swing, 0.5 * width);
    double kappa = fmax(firm / c, fabs(lasting) / (fmin(width, 1) - swing + 0.5 * bound));
    s.stiff = kappa + rho * past / bound;
    s.high = high - (kappa * swing + fmax(lasting, 0)) / s.stiff;
    s.low = low + (kappa * swing + fmax(-lasting, 0)) / s.stiff;
    if (s.low > s.high) {
        int at_high = lasting > 0 ? under <= 0.5 * bound : over > 0.5 * bound;
        s.low = s.high = at_high ? s.high : s.low;
    }
    s.most = fmin(0.1 + people / 100, 1) / c;
    return s;
}

static double spread_squared(const State *s, int g) {
    double all_first = 0, all_second = 0;
    for (int h = 0; h < MOST; h++) all_first += s->first[h], all_second += s->second[h];
    double all = fmax(all_second / s->arrivals - pow(all_first / s->arrivals, 2), 0);
    double n = s->count[g], own = fmax(s->second[g] / n - pow(s->first[g] / n, 2), 0);
    return (n * own + 5 * all) / (n + 5);
}

/* The person's answer to a spring on `sign * (own mean) + rest`; gives the pull. */
static double answered(Spring s, double sum, double n, double sign, double rest, double r, double *y) {
    double a = sign / n, v = a * (sum + r) + rest, edge = v > s.high ? s.high : v < s.low ? s.low : v;
    double lambda = s.stiff * (v - edge) / (1 + s.stiff * a * a);
    *y = in_domain(r - lambda * a);
    return *y == r - lambda * a ? lambda : pull(s, a * (sum + *y) + rest);
}

static double of_a_difference(const Rule *rule, State *s, int g, double r) {
    double *n = s->count, t = s->arrivals, y = r;
    if (n[0] > 0 && n[1] > 0) {
        double c = 1 / n[0] + 1 / n[1], d = spread_squared(s, 0) / n[0] + spread_squared(s, 1) / n[1];
        double sign = g ? -1 : 1, other = g ? s->sum[0] / n[0] : -s->sum[1] / n[1];
        double v = sign * (s->sum[g] + r) / n[g] + other, b = rule->tolerance;
        double over = fmax(v - b, 0), under = fmax(-b - v, 0);
        double firm = firmness(rule, t, c, d, fabs(s->price[0]) * t);
        Spring one = spring(rule, t, -b, b, c, d, 0, firm, 1 / c, s->price[0], fmax(n[0], n[1]), fmax(over, under), over, under);
        double lambda = answered(one, s->sum[g], n[g], sign, other, r, &y);
        s->price[0] += (clipped(lambda, one.most) / t - s->price[0]) / t;
    }
    s->sum[g] += y;
    return y;
}

static double of_a_spread(const Rule *rule, State *s, int g, double r) {
    Spring springs[MOST];
    double mean[MOST], d[MOST], share[MOST], *n = s->count, t = s->arrivals, y = r;
    double total = 0, there = 0, largest = 0, low = 2, high = -1, c_all = 0, d_all = 0;
    for (int h = 0; h < rule->groups; h++) {
        if (!n[h]) continue;
        mean[h] = (s->sum[h] + (h == g ? r : 0)) / n[h];
        low = fmin(low, mean[h]), high = fmax(high, mean[h]), largest = fmax(largest, n[h]);
        total += 0.5 * fabs(s->price[h]), there += 1;
    }
    if (there < 2) {
        s->sum[g] += y;
        return y;
    }
    for (int h = 0; h < rule->groups; h++) {
        if (!n[h]) continue;
        share[h] = total > 0 ? fabs(s->price[h]) / total : 1 / sqrt(there);
        d[h] = spread_squared(s, h) / n[h];
        c_all += share[h] * share[h] / n[h], d_all += share[h] * share[h] * d[h];
    }
    double firm = firmness(rule, t, c_all, d_all, total * t), past = 0.5 * fmax(high - low - rule->tolerance, 0);
    for (int h = 0; h < rule->groups; h++)
        if (n[h])
            springs[h] = spring(rule, t, 0, rule->tolerance, 1 / n[h], d[h],
                                fmax(d_all - share[h] * share[h] * d[h], 0), firm, 1 / c_all, s->price[h], largest, past, 0, 0);
    double from = -2, to = 2, open = 0; /* the scalar of the spread: pulls add up to 0 */
    for (int k = 0; k < 60; k++) {
        double sum = 0;
        open = 0.5 * (from + to);
        for (int h = 0; h < rule->groups; h++)
            if (n[h])
                sum += h == g ? answered(springs[h], s->sum[h], n[h], 1, -open, r, &y) : pull(springs[h], mean[h] - open);
        if (sum > 0) from = open;
        else to = open;
    }
    for (int h = 0; h < rule->groups; h++) {
        if (!n[h]) continue;
        double lambda = h == g ? answered(springs[h], s->sum[h], n[h], 1, -open, r, &y) : pull(springs[h], mean[h] - open);
        s->price[h] += (clipped(lambda, springs[h].most) / t - s->price[h]) / t;
    }
    s->sum[g] += y;
    return y;
}

double arrive(const Rule *rule, State *s, int g, double r) {
    s->arrivals += 1, s->count[g] += 1, s->first[g] += r, s->second[g] += r * r;
    return rule->spread ? of_a_spread(rule, s, g, r) : of_a_difference(rule, s, g, r);
}

/* The largest difference of two groups' means, -1 while there are fewer than two. */
double gap_of(const Rule *rule, const State *s) {
    double low = 2, high = -1;
    int there = 0;
    for (int h = 0; h < rule->groups; h++)
        if (s->count[h]) {
            double mean = s->sum[h] / s->count[h];
            low = fmin(low, mean), high = fmax(high, mean), there++;
        }
    return there > 1 ? high - low : -1;
}

void run(const Rule *rule, int arrivals, const int *group, const double *raw, double *fair, double *gap) {
    State s;
    memset(&s, 0, sizeof s);
    for (int i = 0; i < arrivals; i++) {
        fair[i] = arrive(rule, &s, group[i], raw[i]);
        gap[i] = gap_of(rule, &s);
    }
}

/* An adversary that sees the state. A plan is a list of phases; in each, `length` arrivals are chosen by:
     0: whatever makes the gap largest, 1: smallest, 2: makes the signed difference largest, 3: smallest,
     4: group 0 at 1, 5: group 0 at 0, 6: group 1 at 1, 7: group 1 at 0,
     8: what makes the gap largest after `depth` arrivals of the same kind.
   Gives the largest part of the proven excess that was used, and fills group and raw. */
double attack(const Rule *rule, int phases, const int *kind, const int *length, int depth, int *group, double *raw) {
    static const double raws[3] = {0, 0.5, 1};
    State s;
    memset(&s, 0, sizeof s);
    double most = 0, worst = 0;
    int i = 0;
    for (int phase = 0; phase < phases; phase++)
        for (int k = 0; k < length[phase]; k++, i++) {
            int g = 0, way = kind[phase];
            double r = 0;
            if (way >= 4 && way < 8) {
                g = way >= 6, r = way % 2 ? 0 : 1;
            } else {
                double best = -9;
                for (int choice = 0; choice < 6; choice++) {
                    State tried = s;
                    for (int again = 0; again < (way == 8 ? depth : 1); again++)
                        arrive(rule, &tried, choice / 3, raws[choice % 3]);
                    double value = gap_of(rule, &tried);
                    double signed_gap = tried.count[0] && tried.count[1]
                        ? tried.sum[0] / tried.count[0] - tried.sum[1] / tried.count[1] : 0;
                    value = way == 1 ? -value : way == 2 ? signed_gap : way == 3 ? -signed_gap : value;
                    if (value > best) best = value, g = choice / 3, r = raws[choice % 3];
                }
            }
            group[i] = g, raw[i] = r;
            arrive(rule, &s, g, r);
            double t = s.arrivals;
            most = fmax(most, fmax(s.count[0], s.count[1]) / sqrt(t));
            double excess = gap_of(rule, &s) - rule->tolerance, allowed = most / (rule->step * t);
            if (s.count[0] && s.count[1]) worst = fmax(worst, excess / allowed);
        }
    return worst;
}
