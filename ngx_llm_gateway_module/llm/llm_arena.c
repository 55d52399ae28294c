
/*
 * Memory, strings and growing buffers of the pure layer.
 */


#include "llm_base.h"
#include "llm_scan_skip.h"

#include <stdlib.h>


typedef union llm_block_u  llm_block_t;

/* the union's other members align what follows the link for any type */

union llm_block_u {
    llm_block_t     *next;
    long double      align_float;
    uint64_t         align_int;
};


typedef struct {
    llm_arena_t      arena;       /* first: llm_arena_free() relies on it */
    llm_block_t     *blocks;
} llm_heap_t;


/* two quotes, and what llm_scan_clean() reads too much */
#define LLM_BUF_SLACK  (2 + 16)

/* what stands in a JSON string as it is */
#define llm_buf_plain(c)                                                      \
    ((c) >= 0x20 && (c) < 0x80 && (c) != '"' && (c) != '\\')


static void *llm_heap_alloc(void *data, size_t size);
static int llm_buf_fail(llm_buf_t *b);
static void llm_buf_json_rest(llm_buf_t *b, const unsigned char *p,
    const unsigned char *end);


void *
llm_alloc(llm_arena_t *arena, size_t size)
{
    void  *p;

    if (size == 0) {
        size = 1;
    }

    if (size > arena->left) {
        return NULL;
    }

    p = arena->alloc(arena->data, size);
    if (p == NULL) {
        return NULL;
    }

    arena->left -= size;

    return p;
}


void *
llm_calloc(llm_arena_t *arena, size_t size)
{
    void  *p;

    p = llm_alloc(arena, size);
    if (p == NULL) {
        return NULL;
    }

    memset(p, 0, size);

    return p;
}


int
llm_str_dup(llm_arena_t *arena, llm_str_t *dst, const void *src, size_t len)
{
    unsigned char  *p;

    dst->len = 0;
    dst->data = NULL;

    if (len == SIZE_MAX) {
        return LLM_NOMEM;
    }

    p = llm_alloc(arena, len + 1);
    if (p == NULL) {
        return LLM_NOMEM;
    }

    if (len) {
        memcpy(p, src, len);
    }

    p[len] = '\0';

    dst->len = len;
    dst->data = p;

    return LLM_OK;
}


llm_arena_t *
llm_arena_create(size_t limit)
{
    llm_heap_t  *h;

    h = calloc(1, sizeof(llm_heap_t));
    if (h == NULL) {
        return NULL;
    }

    h->arena.alloc = llm_heap_alloc;
    h->arena.data = h;
    h->arena.left = limit;

    return &h->arena;
}


void
llm_arena_free(llm_arena_t *arena)
{
    llm_heap_t   *h;
    llm_block_t  *block, *next;

    if (arena == NULL) {
        return;
    }

    h = (llm_heap_t *) arena;

    for (block = h->blocks; block; block = next) {
        next = block->next;
        free(block);
    }

    free(h);
}


static void *
llm_heap_alloc(void *data, size_t size)
{
    llm_heap_t *h = data;

    llm_block_t  *block;

    if (size > SIZE_MAX - sizeof(llm_block_t)) {
        return NULL;
    }

    block = malloc(sizeof(llm_block_t) + size);
    if (block == NULL) {
        return NULL;
    }

    block->next = h->blocks;
    h->blocks = block;

    return block + 1;
}


void
llm_buf_init(llm_buf_t *b, llm_arena_t *arena)
{
    memset(b, 0, sizeof(llm_buf_t));
    b->arena = arena;
}


int
llm_buf_reserve(llm_buf_t *b, size_t len)
{
    size_t          size;
    unsigned char  *p;

    if (b->failed) {
        return LLM_NOMEM;
    }

    if (len <= b->size - b->len) {
        return LLM_OK;
    }

    if (len > SIZE_MAX / 2 - b->len) {
        return llm_buf_fail(b);
    }

    size = b->size ? b->size : 64;

    while (size < b->len + len) {
        size *= 2;
    }

    p = llm_alloc(b->arena, size);

    if (p == NULL) {
        /* doubling may ask for more than is left where the need would fit */

        size = b->len + len;

        p = llm_alloc(b->arena, size);
        if (p == NULL) {
            return llm_buf_fail(b);
        }
    }

    if (b->len) {
        memcpy(p, b->data, b->len);
    }

    b->data = p;
    b->size = size;

    return LLM_OK;
}


/* without room left, nothing short that comes later is added either */

static int
llm_buf_fail(llm_buf_t *b)
{
    b->failed = 1;
    b->size = b->len;

    return LLM_NOMEM;
}


void
llm_buf_append(llm_buf_t *b, const void *src, size_t len)
{
    if (len == 0 || llm_buf_reserve(b, len) != LLM_OK) {
        return;
    }

    memcpy(b->data + b->len, src, len);
    b->len += len;
}


void
llm_buf_int(llm_buf_t *b, int64_t n)
{
    unsigned char  text[LLM_INT_LEN];

    if (b->size - b->len < LLM_INT_LEN) {
        llm_buf_append(b, text, (size_t) (llm_int_print(text, n) - text));
        return;
    }

    b->len = (size_t) (llm_int_print(b->data + b->len, n) - b->data);
}


unsigned char *
llm_int_print(unsigned char *d, int64_t n)
{
    uint64_t       u;
    unsigned       i, pair;
    unsigned char  text[LLM_INT_LEN];

    /* the negation is done unsigned: INT64_MIN has no positive twin */

    u = (n < 0) ? 0 - (uint64_t) n : (uint64_t) n;

    if (n < 0) {
        *d++ = '-';
    }

    /* most are counts and milliseconds of few digits */

    if (u < 1000) {

        if (u >= 100) {
            *d++ = (unsigned char) ('0' + u / 100);
        }

        if (u >= 10) {
            *d++ = (unsigned char) ('0' + u / 10 % 10);
        }

        *d++ = (unsigned char) ('0' + u % 10);

        return d;
    }

    i = sizeof(text);

    do {
        pair = (unsigned) (u % 100);
        u /= 100;

        text[--i] = (unsigned char) ('0' + pair % 10);
        text[--i] = (unsigned char) ('0' + pair / 10);

    } while (u >= 10);

    if (u) {
        *d++ = (unsigned char) ('0' + u);
    }

    memcpy(d, text + i, sizeof(text) - i);

    return d + sizeof(text) - i;
}


void
llm_buf_json(llm_buf_t *b, const void *s, size_t len)
{
    size_t          n;
    unsigned char  *d;

    /*
     * Most texts need no escape: they are copied and then looked at, where
     * bytes behind them may be read, too.
     */

    if (b->size - b->len < LLM_BUF_SLACK
        || b->size - b->len - LLM_BUF_SLACK < len)
    {
        if (len > SIZE_MAX / 4
            || llm_buf_reserve(b, len + LLM_BUF_SLACK) != LLM_OK)
        {
            b->failed = 1;
            return;
        }
    }

    d = b->data + b->len;
    *d++ = '"';

    if (len) {
        memcpy(d, s, len);
    }

    n = llm_scan_clean(d, len);
    b->len += n + 1;

    if (n != len) {
        llm_buf_json_rest(b, (const unsigned char *) s + n,
                          (const unsigned char *) s + len);
        llm_buf_add(b, "\"", 1);
        return;
    }

    d[n] = '"';
    b->len++;
}


/* p is at something that may not stand as it is */

static void
llm_buf_json_rest(llm_buf_t *b, const unsigned char *p,
    const unsigned char *end)
{
    size_t                n;
    unsigned char         c, esc[6];
    const unsigned char  *from;

    static const unsigned char  hex[] = "0123456789abcdef";

    from = p;

    while (p < end) {
        c = *p;

        if (llm_buf_plain(c)) {
            p++;
            continue;
        }

        if (c >= 0x80) {
            n = llm_utf8(p, (size_t) (end - p));

            if (n) {
                p += n;
                continue;
            }
        }

        if (p > from) {
            llm_buf_add(b, from, (size_t) (p - from));
        }

        from = ++p;

        if (c >= 0x80) {
            llm_buf_add(b, "\xef\xbf\xbd", 3);
            continue;
        }

        esc[0] = '\\';

        switch (c) {

        case '"':
        case '\\':
            esc[1] = c;
            break;

        case '\n':
            esc[1] = 'n';
            break;

        case '\r':
            esc[1] = 'r';
            break;

        case '\t':
            esc[1] = 't';
            break;

        default:
            memcpy(esc + 1, "u00", 3);
            esc[4] = hex[c >> 4];
            esc[5] = hex[c & 0xf];
            llm_buf_add(b, esc, 6);
            continue;
        }

        llm_buf_add(b, esc, 2);
    }

    if (end > from) {
        llm_buf_add(b, from, (size_t) (end - from));
    }
}


size_t
llm_utf8(const unsigned char *p, size_t len)
{
    unsigned char  c, min, max;

    if (len == 0) {
        return 0;
    }

    c = p[0];

    if (c < 0x80) {
        return 1;
    }

    if (c < 0xc2 || c > 0xf4) {
        return 0;
    }

    if (len < 2) {
        return 0;
    }

    if (c < 0xe0) {
        return ((p[1] & 0xc0) == 0x80) ? 2 : 0;
    }

    /* the second byte's range excludes overlongs, surrogates, > U+10FFFF */

    min = (c == 0xe0) ? 0xa0 : (c == 0xf0) ? 0x90 : 0x80;
    max = (c == 0xed) ? 0x9f : (c == 0xf4) ? 0x8f : 0xbf;

    if (p[1] < min || p[1] > max || len < 3 || (p[2] & 0xc0) != 0x80) {
        return 0;
    }

    if (c < 0xf0) {
        return 3;
    }

    return (len >= 4 && (p[3] & 0xc0) == 0x80) ? 4 : 0;
}


unsigned char *
llm_utf8_print(unsigned char *d, uint32_t code)
{
    if (code < 0x80) {
        *d++ = (unsigned char) code;
        return d;
    }

    if (code < 0x800) {
        *d++ = (unsigned char) (0xc0 | code >> 6);
        *d++ = (unsigned char) (0x80 | (code & 0x3f));
        return d;
    }

    if (code < 0x10000) {
        *d++ = (unsigned char) (0xe0 | code >> 12);

    } else {
        *d++ = (unsigned char) (0xf0 | code >> 18);
        *d++ = (unsigned char) (0x80 | (code >> 12 & 0x3f));
    }

    *d++ = (unsigned char) (0x80 | (code >> 6 & 0x3f));
    *d++ = (unsigned char) (0x80 | (code & 0x3f));

    return d;
}
