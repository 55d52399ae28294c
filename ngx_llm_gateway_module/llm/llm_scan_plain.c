
/*
 * What most bytes of a large body are: plain text in strings, with an escape
 * every few words.  It is looked at in blocks; all that is special in one is
 * found at once.
 */


#include "llm_scan.h"
#include "llm_scan_state.h"
#include "llm_scan_skip.h"


/* wider registers, where the machine has them and the compiler knows */

#if (__SSE2__ && __x86_64__ && __GNUC__)
#include <immintrin.h>
#define LLM_PLAIN_WIDE  1
#endif


#if (__SSE2__)
static const unsigned char *llm_plain_blocks(const unsigned char *p,
    const unsigned char *end, uint64_t *excess);
#endif
#if (LLM_PLAIN_WIDE)
static const unsigned char *llm_plain_wide(const unsigned char *p,
    const unsigned char *end, uint64_t *excess);
static const unsigned char *llm_plain_choose(const unsigned char *p,
    const unsigned char *end, uint64_t *excess);
#endif
static inline size_t llm_plain_escape(const unsigned char *p,
    uint64_t *excess);
static size_t llm_plain_unicode(const unsigned char *p, uint64_t *excess);
static inline int llm_plain_code(const unsigned char *p, uint32_t *code);


/* what follows a backslash; 'u' apart */

static const uint8_t  llm_plain_escapes[256] = {
    ['"'] = 1, ['\\'] = 1, ['/'] = 1, ['b'] = 1, ['f'] = 1, ['n'] = 1,
    ['r'] = 1, ['t'] = 1
};


/* hex digits, told by a bit from what is none */

#define LLM_PLAIN_HEX  0x10

static const uint8_t  llm_plain_hex[256] = {
    ['0'] = 0x10, ['1'] = 0x11, ['2'] = 0x12, ['3'] = 0x13, ['4'] = 0x14,
    ['5'] = 0x15, ['6'] = 0x16, ['7'] = 0x17, ['8'] = 0x18, ['9'] = 0x19,
    ['A'] = 0x1a, ['B'] = 0x1b, ['C'] = 0x1c, ['D'] = 0x1d, ['E'] = 0x1e,
    ['F'] = 0x1f,
    ['a'] = 0x1a, ['b'] = 0x1b, ['c'] = 0x1c, ['d'] = 0x1d, ['e'] = 0x1e,
    ['f'] = 0x1f
};



#if (LLM_PLAIN_WIDE)

static const unsigned char  *(*llm_plain_fast)(const unsigned char *p,
    const unsigned char *end, uint64_t *excess) = llm_plain_choose;

#elif (__SSE2__)

#define llm_plain_fast  llm_plain_blocks

#endif


const unsigned char *
llm_scan_plain(const unsigned char *p, const unsigned char *end,
    uint64_t *excess)
{
    size_t                len;
    const unsigned char  *q;

    for ( ;; ) {

#if (__SSE2__)
        p = llm_plain_fast(p, end, excess);
#else
        p = llm_scan_skip(p, end);
#endif

        if (p == end || *p == '"') {
            return p;
        }

        if (*p >= 0x80) {
            q = llm_scan_utf8(p, end);

        } else if (*p == '\\') {
            len = (end - p >= LLM_SCAN_ESCAPED) ? llm_plain_escape(p, excess)
                                                : 0;
            q = p + len;

        } else {
            q = llm_scan_skip(p, end);
        }

        if (q == p) {
            return p;
        }

        p = q;
    }
}


#if (__SSE2__)

/*
 * Takes what mask marks in the block at p, as far as it is escapes: returns
 * where the last one ends, or, with *mask not zero, where something else is.
 */

static inline __attribute__((always_inline)) const unsigned char *
llm_plain_take(const unsigned char *p, uint64_t *mask, uint64_t *excess)
{
    size_t                len;
    uint64_t              m, i;
    const unsigned char  *q;

    m = *mask;

    do {
        i = (uint64_t) __builtin_ctzll(m);
        q = p + i;

        if (q[0] != '\\') {
            break;
        }

        if (llm_plain_escapes[q[1]]) {
            (*excess)++;
            q += 2;

            /* it may be a quote or a backslash itself */

            m &= ~((uint64_t) 3 << i);
            continue;
        }

        len = llm_plain_unicode(q, excess);

        if (len == 0) {
            break;
        }

        q += len;
        m = (i + len < 64) ? m & ~(uint64_t) 0 << (i + len) : 0;

    } while (m);

    *mask = m;

    return q;
}


static const unsigned char *
llm_plain_blocks(const unsigned char *p, const unsigned char *end,
    uint64_t *excess)
{
    uint64_t              mask, more;
    const unsigned char  *q;

    more = 0;

    while (end - p >= 32 + LLM_SCAN_ESCAPED) {

        mask = llm_scan_stops(p) | llm_scan_stops(p + 16) << 16;

        if (mask == 0) {
            p += 32;
            continue;
        }

        q = llm_plain_take(p, &mask, &more);

        if (mask) {
            *excess += more;
            return q;
        }

        p = (q > p + 32) ? q : p + 32;
    }

    *excess += more;

    return p;
}

#endif


#if (LLM_PLAIN_WIDE)

__attribute__((target("avx2,bmi,bmi2")))
static const unsigned char *
llm_plain_wide(const unsigned char *p, const unsigned char *end,
    uint64_t *excess)
{
    __m256i               a, b, flip, low, slash;
    uint64_t              mask, more;
    const unsigned char  *q;

    /* see llm_scan_stops_in() */

    flip = _mm256_set1_epi8(0x02);
    low = _mm256_set1_epi8(0x21);
    slash = _mm256_set1_epi8('\\');

    more = 0;

    while (end - p >= 64 + LLM_SCAN_ESCAPED) {

        a = _mm256_loadu_si256((const __m256i *) p);
        b = _mm256_loadu_si256((const __m256i *) (p + 32));

        mask = (uint32_t) _mm256_movemask_epi8(_mm256_or_si256(
                   _mm256_cmpgt_epi8(low, _mm256_xor_si256(a, flip)),
                   _mm256_cmpeq_epi8(a, slash)))
               | (uint64_t) (uint32_t) _mm256_movemask_epi8(_mm256_or_si256(
                   _mm256_cmpgt_epi8(low, _mm256_xor_si256(b, flip)),
                   _mm256_cmpeq_epi8(b, slash))) << 32;

        if (mask == 0) {
            p += 64;
            continue;
        }

        q = llm_plain_take(p, &mask, &more);

        if (mask) {
            *excess += more;
            return q;
        }

        p = (q > p + 64) ? q : p + 64;
    }

    *excess += more;

    return llm_plain_blocks(p, end, excess);
}


/* the first call decides for all that follow */

static const unsigned char *
llm_plain_choose(const unsigned char *p, const unsigned char *end,
    uint64_t *excess)
{
    __builtin_cpu_init();

    llm_plain_fast = (__builtin_cpu_supports("avx2")
                      && __builtin_cpu_supports("bmi")
                      && __builtin_cpu_supports("bmi2"))
                     ? llm_plain_wide : llm_plain_blocks;

    return llm_plain_fast(p, end, excess);
}

#endif


/*
 * The length of the escape at p, of which LLM_SCAN_ESCAPED bytes can be read;
 * 0 if it is an invalid one.
 */

static inline size_t
llm_plain_escape(const unsigned char *p, uint64_t *excess)
{
    if (llm_plain_escapes[p[1]]) {
        (*excess)++;
        return 2;
    }

    return llm_plain_unicode(p, excess);
}


static size_t
llm_plain_unicode(const unsigned char *p, uint64_t *excess)
{
    uint32_t  code;

    if (p[1] != 'u' || llm_plain_code(p + 2, &code) != LLM_OK) {
        return 0;
    }

    *excess += llm_scan_excess(code);

    return LLM_SCAN_ESCAPED;
}


/* four hex digits */

static inline int
llm_plain_code(const unsigned char *p, uint32_t *code)
{
    unsigned  a, b, c, d;

    a = llm_plain_hex[p[0]];
    b = llm_plain_hex[p[1]];
    c = llm_plain_hex[p[2]];
    d = llm_plain_hex[p[3]];

    if (!(a & b & c & d & LLM_PLAIN_HEX)) {
        return LLM_INVALID;
    }

    *code = (a & 0xf) << 12 | (b & 0xf) << 8 | (c & 0xf) << 4 | (d & 0xf);

    return LLM_OK;
}


int
llm_scan_escaped(unsigned char c)
{
    return llm_plain_escapes[c];
}


unsigned
llm_scan_digit(unsigned char c)
{
    return llm_plain_hex[c] ? llm_plain_hex[c] - LLM_PLAIN_HEX : 16;
}


const unsigned char *
llm_scan_skip_long(const unsigned char *p, const unsigned char *end)
{
#if (__SSE2__)

    unsigned  mask;

    while (end - p >= 64 && llm_scan_none(p)) {
        p += 64;
    }

    while (end - p >= 16) {
        mask = llm_scan_stops(p);

        if (mask) {
            return p + __builtin_ctz(mask);
        }

        p += 16;
    }

    if (end - p >= 8) {
        mask = llm_scan_stops_in(_mm_loadl_epi64((const __m128i *) p)) & 0xff;

        if (mask) {
            return p + __builtin_ctz(mask);
        }

        p += 8;
    }

#else

    uint64_t  v, stops;

    /*
     * A byte below n borrows into its top bit from v - n; the same trick
     * finds zero bytes of v ^ c.  Borrows into higher bytes may only raise
     * false alarms, which the loop below settles.
     */

#define llm_plain_ones        0x0101010101010101ULL
#define llm_plain_below(v, n) (((v) - llm_plain_ones * (n)) & ~(v))

    while (end - p >= 8) {
        memcpy(&v, p, 8);

        stops = v | llm_plain_below(v, 0x20)
                | llm_plain_below(v ^ (llm_plain_ones * '"'), 1)
                | llm_plain_below(v ^ (llm_plain_ones * '\\'), 1);

        if (stops & (llm_plain_ones * 0x80)) {
            break;
        }

        p += 8;
    }

#undef llm_plain_ones
#undef llm_plain_below

#endif

    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }

    return p;
}


const unsigned char *
llm_scan_utf8(const unsigned char *p, const unsigned char *end)
{
    size_t  n;

    while (p < end && *p >= 0x80) {

        /* three bytes without a special case: most of CJK and punctuation */

        if (end - p >= 3 && (*p & 0xf0) == 0xe0 && *p != 0xe0 && *p != 0xed) {

            if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80) {
                break;
            }

            p += 3;
            continue;
        }

        if (end - p >= 2 && *p >= 0xc2 && *p < 0xe0) {

            if ((p[1] & 0xc0) != 0x80) {
                break;
            }

            p += 2;
            continue;
        }

        n = llm_utf8(p, (size_t) (end - p));
        if (n == 0) {
            break;
        }

        p += n;
    }

    return p;
}
