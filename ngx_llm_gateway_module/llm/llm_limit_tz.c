
/*
 * Windows that turn with the calendar, and the time zones they may follow:
 * the system's zone data, read once, as a list of offsets.
 */


#include "llm_limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>


#define LLM_TZ_DIR       "/usr/share/zoneinfo"
#define LLM_TZ_NAME_MAX  64
#define LLM_TZ_MAX       512         /* changes of offset that are kept */

#define LLM_TZ_DAY       86400
#define LLM_TZ_FROM      1577836800  /* 2020-01-01 */
#define LLM_TZ_TO        4102444800  /* 2100-01-01 */


typedef struct {
    int64_t          from;           /* seconds since the epoch */
    int64_t          offset;         /* seconds east of UTC */
} llm_tz_change_t;

struct llm_tz_s {
    uint32_t         hash;           /* of the name */
    unsigned         n;              /* at least 1 */
    llm_tz_change_t  changes[];      /* the first holds for what is before */
};


extern char  **environ;


static int llm_tz_known(const char *dir, const char *name);
static unsigned llm_tz_read(llm_tz_change_t *changes);
static int64_t llm_tz_sample(int64_t sec);
static unsigned llm_tz_find(const llm_tz_t *tz, int64_t sec);
static int64_t llm_tz_offset(const llm_tz_t *tz, int64_t sec);
static int64_t llm_tz_day(const llm_tz_t *tz, int64_t day);
static int64_t llm_tz_month(int64_t day);
static int64_t llm_tz_first(int64_t month);
static int64_t llm_tz_floor(int64_t a, int64_t b);


int
llm_tz_load(llm_arena_t *arena, const llm_str_t *name, const llm_tz_t **out)
{
    char              path[LLM_TZ_NAME_MAX + 1];
    char              var[LLM_TZ_NAME_MAX + sizeof("TZ=")];
    char             *dir, *mine[3], dirvar[1024], **saved;
    size_t            i;
    unsigned          n;
    llm_tz_t         *tz;
    llm_tz_change_t   changes[LLM_TZ_MAX];

    if (name->len == 0 || name->len > LLM_TZ_NAME_MAX
        || name->data[0] == '/' || name->data[0] == '.')
    {
        return LLM_DECLINED;
    }

    for (i = 0; i < name->len; i++) {
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                   "0123456789_+-/", name->data[i]) == NULL
            || name->data[i] == '\0')
        {
            return LLM_DECLINED;
        }
    }

    memcpy(path, name->data, name->len);
    path[name->len] = '\0';

    dir = getenv("TZDIR");

    if (dir && strlen(dir) > sizeof(dirvar) - sizeof("TZDIR=")) {
        return LLM_DECLINED;
    }

    if (strcmp(path, "UTC") != 0 && !llm_tz_known(dir, path)) {
        return LLM_DECLINED;
    }

    /*
     * Not setenv(): it makes a copy of the environment, whose strings may be
     * those of a configuration that goes away.
     */

    snprintf(var, sizeof(var), "TZ=%s", path);
    snprintf(dirvar, sizeof(dirvar), "TZDIR=%s", dir ? dir : LLM_TZ_DIR);

    mine[0] = var;
    mine[1] = dirvar;
    mine[2] = NULL;

    saved = environ;
    environ = mine;
    tzset();

    n = llm_tz_read(changes);

    environ = saved;
    tzset();

    tz = llm_alloc(arena, sizeof(llm_tz_t) + n * sizeof(llm_tz_change_t));
    if (tz == NULL) {
        return LLM_NOMEM;
    }

    tz->hash = llm_subject_hash(name->data, name->len);
    tz->n = n;
    memcpy(tz->changes, changes, n * sizeof(llm_tz_change_t));

    *out = tz;

    return LLM_OK;
}


/* libc takes a zone without a file for UTC */

static int
llm_tz_known(const char *dir, const char *name)
{
    int    known;
    char   path[2048], magic[4];
    FILE  *f;

    snprintf(path, sizeof(path), "%s/%s", dir ? dir : LLM_TZ_DIR, name);

    f = fopen(path, "r");
    if (f == NULL) {
        return 0;
    }

    known = fread(magic, 1, 4, f) == 4 && memcmp(magic, "TZif", 4) == 0;

    fclose(f);

    return known;
}


/* no zone changes its offset twice in a day */

static unsigned
llm_tz_read(llm_tz_change_t *changes)
{
    int64_t   sec, offset, low, high, mid;
    unsigned  n;

    changes[0].from = LLM_TZ_FROM;
    changes[0].offset = llm_tz_sample(LLM_TZ_FROM);
    n = 1;

    for (sec = LLM_TZ_FROM; sec < LLM_TZ_TO; sec += LLM_TZ_DAY) {

        offset = llm_tz_sample(sec + LLM_TZ_DAY);

        if (offset == changes[n - 1].offset) {
            continue;
        }

        if (n == LLM_TZ_MAX) {
            break;
        }

        low = sec;
        high = sec + LLM_TZ_DAY;

        while (high - low > 1) {
            mid = low + (high - low) / 2;

            if (llm_tz_sample(mid) == offset) {
                high = mid;
            } else {
                low = mid;
            }
        }

        changes[n].from = high;
        changes[n].offset = offset;
        n++;
    }

    return n;
}


static int64_t
llm_tz_sample(int64_t sec)
{
    time_t     t;
    struct tm  tm;

    t = (time_t) sec;

    return localtime_r(&t, &tm) ? (int64_t) tm.tm_gmtoff : 0;
}


void
llm_limit_set_tz(llm_limit_t *limit, const llm_tz_t *tz)
{
    if (limit->smooth || limit->unit == LLM_WINDOW_NONE
        || limit->unit == LLM_WINDOW_TOTAL)
    {
        return;
    }

    limit->tz = tz;
    limit->id |= (uint64_t) (tz->hash & 0xffff);
}


void
llm_limit_window(const llm_limit_t *limit, int64_t now, int64_t *start,
    int64_t *end)
{
    int64_t  sec, local, day, len, n, first;

    n = limit->n;
    sec = llm_tz_floor(now, 1000);
    local = sec + llm_tz_offset(limit->tz, sec);
    day = llm_tz_floor(local, LLM_TZ_DAY);

    switch (limit->unit) {

    case LLM_WINDOW_SECOND:
    case LLM_WINDOW_MINUTE:
    case LLM_WINDOW_HOUR:
        len = n * (limit->unit == LLM_WINDOW_SECOND ? 1
                   : limit->unit == LLM_WINDOW_MINUTE ? 60 : 3600);

        *start = (llm_tz_floor(local, len) * len - (local - sec)) * 1000;
        *end = *start + len * 1000;
        return;

    case LLM_WINDOW_DAY:
        first = llm_tz_floor(day, n) * n;
        break;

    case LLM_WINDOW_WEEK:

        /* the epoch was a Thursday */

        n *= 7;
        first = llm_tz_floor(day + 3, n) * n - 3;
        break;

    case LLM_WINDOW_MONTH:
        first = llm_tz_floor(llm_tz_month(day), n) * n;

        *start = llm_tz_day(limit->tz, llm_tz_first(first)) * 1000;
        *end = llm_tz_day(limit->tz, llm_tz_first(first + n)) * 1000;
        return;

    default: /* LLM_WINDOW_TOTAL */
        *start = 0;
        *end = -1;
        return;
    }

    *start = llm_tz_day(limit->tz, first) * 1000;
    *end = llm_tz_day(limit->tz, first + n) * 1000;
}


/* the last change at or before sec */

static unsigned
llm_tz_find(const llm_tz_t *tz, int64_t sec)
{
    unsigned  low, high, mid;

    low = 0;
    high = tz->n;

    while (high - low > 1) {
        mid = low + (high - low) / 2;

        if (tz->changes[mid].from <= sec) {
            low = mid;
        } else {
            high = mid;
        }
    }

    return low;
}


static int64_t
llm_tz_offset(const llm_tz_t *tz, int64_t sec)
{
    return tz ? tz->changes[llm_tz_find(tz, sec)].offset : 0;
}


/*
 * When the local day of this number begins.  Where clocks skip midnight that
 * is when they do; where they reach it twice, the first time.
 */

static int64_t
llm_tz_day(const llm_tz_t *tz, int64_t day)
{
    int64_t   local, early;
    unsigned  i;

    local = day * LLM_TZ_DAY;

    if (tz == NULL) {
        return local;
    }

    /* from the offset of the day before on: a change may lie in between */

    i = llm_tz_find(tz, local - tz->changes[0].offset - 2 * LLM_TZ_DAY);

    for ( ;; ) {
        early = local - tz->changes[i].offset;

        if (i > 0 && early < tz->changes[i].from) {
            early = tz->changes[i].from;
        }

        if (i + 1 == tz->n || early < tz->changes[i + 1].from) {
            return early;
        }

        i++;
    }
}


/* days since the epoch to months since year 0, and back to the first day of a
   month: the calendar counted from March on, when leap days come last */

static int64_t
llm_tz_month(int64_t day)
{
    int64_t  era, doe, yoe, doy, mp;

    day += 719468;
    era = llm_tz_floor(day, 146097);
    doe = day - era * 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;

    return (era * 400 + yoe) * 12 + mp + 2;
}


static int64_t
llm_tz_first(int64_t month)
{
    int64_t  year, era, yoe, mp;

    month -= 2;
    year = llm_tz_floor(month, 12);
    mp = month - year * 12;
    era = llm_tz_floor(year, 400);
    yoe = year - era * 400;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100
           + (153 * mp + 2) / 5 - 719468;
}


static int64_t
llm_tz_floor(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}
