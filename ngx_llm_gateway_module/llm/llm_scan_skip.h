
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

/*
 * Bits of such bytes.  Signed, those that are no ASCII are below the space;
 * with 2 flipped in all, of which controls stay controls, quotes are spaces.
 */

static inline __m128i
llm_scan_special(__m128i v)
{
    return _mm_or_si128(_mm_cmpgt_epi8(_mm_set1_epi8(0x21),
                                       _mm_xor_si128(v, _mm_set1_epi8(0x02))),
                        _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
}


static inline unsigned
llm_scan_stops_in(__m128i v)
{
    return (unsigned) _mm_movemask_epi8(llm_scan_special(v));
}


/* whether there is none in 64 bytes */

static inline unsigned
llm_scan_none(const unsigned char *p)
{
    __m128i         a, b;
    const __m128i  *v;

    v = (const __m128i *) p;

    a = _mm_or_si128(llm_scan_special(_mm_loadu_si128(v)),
                     llm_scan_special(_mm_loadu_si128(v + 1)));
    b = _mm_or_si128(llm_scan_special(_mm_loadu_si128(v + 2)),
                     llm_scan_special(_mm_loadu_si128(v + 3)));

    return _mm_movemask_epi8(_mm_or_si128(a, b)) == 0;
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
