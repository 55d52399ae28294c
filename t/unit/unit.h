
/*
 * A TAP harness.  A test is a program: plan() first, then any of the checks,
 * and "return unit_end();" last.  plan(0) counts for itself and prints the
 * plan at the end.
 */


#ifndef _UNIT_H_INCLUDED_
#define _UNIT_H_INCLUDED_


#include "llm_base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>


static int  unit_planned, unit_done, unit_failed;


#define plan(n)                                                               \
    do {                                                                      \
        unit_planned = (n);                                                   \
        setvbuf(stdout, NULL, _IOLBF, 0);                                     \
        if (unit_planned) { printf("1..%d\n", unit_planned); }                \
    } while (0)

/* the cond holds; the rest is the check's name as for printf() */

#define ok(cond, ...)                                                         \
    do {                                                                      \
        int  unit_cond = ((cond) != 0);                                       \
        unit_failed += !unit_cond;                                            \
        printf("%sok %d - ", unit_cond ? "" : "not ", ++unit_done);           \
        printf(__VA_ARGS__);                                                  \
        printf("\n");                                                         \
        if (!unit_cond) {                                                     \
            printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);               \
        }                                                                     \
    } while (0)

#define is_int(got, want, ...)                                                \
    do {                                                                      \
        int64_t  unit_got = (int64_t) (got), unit_want = (int64_t) (want);    \
        ok(unit_got == unit_want, __VA_ARGS__);                               \
        if (unit_got != unit_want) {                                          \
            printf("# got %" PRId64 ", want %" PRId64 "\n", unit_got,         \
                   unit_want);                                                \
        }                                                                     \
    } while (0)

/* got is a llm_str_t, want a C string */

#define is_str(got, want, ...)                                                \
    do {                                                                      \
        llm_str_t    unit_str = (got);                                        \
        const char  *unit_text = (want);                                      \
        int          unit_same = unit_str.len == strlen(unit_text)            \
                                 && (unit_str.len == 0                        \
                                     || memcmp(unit_str.data, unit_text,      \
                                               unit_str.len) == 0);           \
        ok(unit_same, __VA_ARGS__);                                           \
        if (!unit_same) {                                                     \
            printf("# got \"%.*s\", want \"%s\"\n", (int) unit_str.len,       \
                   (char *) unit_str.data, unit_text);                        \
        }                                                                     \
    } while (0)


/* a C string as a llm_str_t */

static inline llm_str_t
unit_str(const char *s)
{
    llm_str_t  str;

    str.len = strlen(s);
    str.data = (unsigned char *) s;

    return str;
}


static inline int
unit_end(void)
{
    if (unit_planned == 0) {
        printf("1..%d\n", unit_done);

    } else if (unit_planned != unit_done) {
        printf("# planned %d, ran %d\n", unit_planned, unit_done);
        return 1;
    }

    return unit_failed != 0;
}


#endif /* _UNIT_H_INCLUDED_ */
