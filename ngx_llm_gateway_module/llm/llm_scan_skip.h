
/*
 * The plain bytes of strings.  Most strings of an answer are shorter than
 * sixteen bytes, most of a prompt's bytes are in long ones.
 */


#ifndef _LLM_SCAN_SKIP_H_INCLUDED_
#define _LLM_SCAN_SKIP_H_INCLUDED_


#include "llm_base.h"

#if (__SSE2__)
#include <emmintrin.h>
#endif


/* the first byte that is a quote, a backslash, a control or no ASCII */
const unsigned char *llm_scan_skip_long(const unsigned char *p,
    const unsigned char *end);


#if (__SSE2__)

/* bits of such bytes; signed, those that are no ASCII are below the space */

static inline unsigned
llm_scan_stops_in(__m128i v)
{
    v = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
                     _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                  _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));

    return (unsigned) _mm_movemask_epi8(v);
}


static inline unsigned
llm_scan_stops(const unsigned char *p)
{
    return llm_scan_stops_in(_mm_loadu_si128((const __m128i *) p));
}

#endif


static inline const unsigned char *
llm_scan_skip(const unsigned char *p, const unsigned char *end)
{
#if (__SSE2__)

    unsigned  mask;

    if (end - p >= 16) {
        mask = llm_scan_stops(p);

        if (mask) {
            return p + __builtin_ctz(mask);
        }

        p += 16;
    }

#endif

    return llm_scan_skip_long(p, end);
}


/*
 * How many bytes at p, of len, come before the first such byte.  Fifteen
 * bytes behind them must be there, though not set.
 */

static inline size_t
llm_scan_clean(const unsigned char *p, size_t len)
{
#if (__SSE2__)

    size_t    i, n;
    unsigned  mask;

    for (i = 0; i < len; i += 16) {
        n = len - i;
        mask = llm_scan_stops(p + i);

        if (n < 16) {
            mask &= (1u << n) - 1;
        }

        if (mask) {
            return i + (size_t) __builtin_ctz(mask);
        }
    }

    return len;

#else

    return (size_t) (llm_scan_skip_long(p, p + len) - p);

#endif
}


#endif /* _LLM_SCAN_SKIP_H_INCLUDED_ */
