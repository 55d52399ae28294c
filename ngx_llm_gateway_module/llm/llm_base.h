
/*
 * What every file of the pure layer shares: strings, return codes, memory.
 *
 * This layer knows libc and cJSON only, so that its files link into unit
 * tests and fuzz targets as they are.
 */


#ifndef _LLM_BASE_H_INCLUDED_
#define _LLM_BASE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <string.h>


/*
 * The same order of members as in ngx_str_t: layer 3 takes one for the other,
 * which may_alias tells the compiler.
 */

typedef struct {
    size_t           len;
    unsigned char   *data;
} __attribute__((may_alias)) llm_str_t;


#define llm_string(s)     { sizeof(s) - 1, (unsigned char *) s }
#define llm_str_is(s, c)                                                      \
    ((s)->len == sizeof(c) - 1 && memcmp((s)->data, c, sizeof(c) - 1) == 0)


#define LLM_OK          0
#define LLM_AGAIN      -1    /* all input taken, more is needed */
#define LLM_DECLINED   -2    /* not known, not there */
#define LLM_INVALID    -3    /* the input breaks its grammar */
#define LLM_LIMIT      -4    /* the input is larger than a limit allows */
#define LLM_NOMEM      -5
#define LLM_DUPLICATE  -6    /* one member named twice */


/*
 * Memory comes from whoever calls: nothing is freed one by one, the caller's
 * pool owns it all.  "left" bounds what one arena may hand out, in bytes.
 */

typedef struct {
    void          *(*alloc)(void *data, size_t size);
    void            *data;
    size_t           left;
} llm_arena_t;


/* a buffer that grows by doubling; its old blocks stay with the arena */

typedef struct {
    llm_arena_t     *arena;
    unsigned char   *data;
    size_t           len;
    size_t           size;
    unsigned         failed:1;    /* an append found no memory */
} llm_buf_t;


/*
 * llm_alloc() gives memory aligned for any type, or NULL; llm_calloc() the
 * same, zeroed.
 */
void *llm_alloc(llm_arena_t *arena, size_t size);
void *llm_calloc(llm_arena_t *arena, size_t size);

/* copies len bytes and a final zero byte that is not counted */
int llm_str_dup(llm_arena_t *arena, llm_str_t *dst, const void *src,
    size_t len);

/*
 * An arena over malloc() for programs without pools (tests, fuzzers);
 * llm_arena_free() frees everything that it handed out.
 */
llm_arena_t *llm_arena_create(size_t limit);
void llm_arena_free(llm_arena_t *arena);

void llm_buf_init(llm_buf_t *b, llm_arena_t *arena);
/*
 * Makes room for len more bytes, so that a buffer whose size can be guessed
 * does not grow; LLM_OK or LLM_NOMEM.
 */
int llm_buf_reserve(llm_buf_t *b, size_t len);
/* appends; on lack of memory sets b->failed and leaves the rest out */
static inline void llm_buf_add(llm_buf_t *b, const void *src, size_t len);
static inline void llm_buf_puts(llm_buf_t *b, const char *s);
void llm_buf_int(llm_buf_t *b, int64_t n);
/* writes n at d, which has room for LLM_INT_LEN bytes; returns the end */
unsigned char *llm_int_print(unsigned char *d, int64_t n);
#define LLM_INT_LEN  (sizeof("-9223372036854775808") - 1)
/*
 * Appends s as a JSON string with its quotes.  Control characters are
 * escaped; bytes that are not UTF-8 become U+FFFD, so that the result is
 * always valid JSON whatever a client or a provider sent.
 */
void llm_buf_json(llm_buf_t *b, const void *s, size_t len);

/* what is in the buffer now: it holds until more is added */
static inline llm_str_t llm_buf_str(const llm_buf_t *b);

/*
 * How many bytes the UTF-8 sequence at p has, of len that are there; 0 if it
 * is cut, overlong, a surrogate or above U+10FFFF.
 */
size_t llm_utf8(const unsigned char *p, size_t len);

/* writes a code point at d, in at most four bytes; returns the end */
unsigned char *llm_utf8_print(unsigned char *d, uint32_t code);


/* what llm_buf_add() does where there may be no room */
void llm_buf_append(llm_buf_t *b, const void *src, size_t len);


static inline void
llm_buf_add(llm_buf_t *b, const void *src, size_t len)
{
    if (len && len <= b->size - b->len) {
        memcpy(b->data + b->len, src, len);
        b->len += len;
        return;
    }

    llm_buf_append(b, src, len);
}


static inline void
llm_buf_puts(llm_buf_t *b, const char *s)
{
    llm_buf_add(b, s, strlen(s));
}


static inline llm_str_t
llm_buf_str(const llm_buf_t *b)
{
    llm_str_t  s;

    s.len = b->len;
    s.data = b->data;

    return s;
}


#endif /* _LLM_BASE_H_INCLUDED_ */
