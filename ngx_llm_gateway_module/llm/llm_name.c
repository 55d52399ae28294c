
/*
 * Names and ids of tools that a target does not take as they are.  What
 * replaces them is a function of the original alone, so that definitions,
 * calls, results and a choice agree in this request and in the next one.
 */


#include "llm_dialect.h"


#define LLM_NAME_MAX    512       /* that are to be restored */
#define LLM_NAME_HASH   9         /* "_" and eight hexadecimal digits */
#define LLM_ID_DIGITS   11        /* of 64 bits in base 62, at most */
#define LLM_ID_SIZE     24


typedef struct llm_name_s  llm_name_t;

struct llm_name_s {
    llm_name_t      *next;
    llm_str_t        target;
    llm_str_t        name;
};


static unsigned llm_name_valid(const llm_name_rule_t *rule,
    const llm_str_t *s);
static unsigned llm_name_takes(const llm_name_rule_t *rule, unsigned char c);
static uint64_t llm_name_hash(uint64_t h, const void *data, size_t len);
static uint64_t llm_name_mix(uint64_t h);
static void llm_name_digits(uint64_t n, unsigned char *p, size_t len);


static const char  llm_name_chars[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#define LLM_NAME_SEED_1  0xcbf29ce484222325ull
#define LLM_NAME_SEED_2  0x84222325cbf29ce4ull


int
llm_name_map(llm_translate_t *x, const llm_name_rule_t *rule,
    const llm_str_t *name, llm_str_t *out)
{
    size_t          i, len;
    uint64_t        hash;
    unsigned        known;
    llm_name_t     *n;
    unsigned char  *p;

    static const char  hex[] = "0123456789abcdef";

    known = 0;

    if (llm_name_valid(rule, name)) {
        *out = *name;
        return LLM_OK;
    }

    for (n = x->names; n; n = n->next) {
        known++;

        if (n->name.len == name->len
            && memcmp(n->name.data, name->data, name->len) == 0)
        {
            *out = n->target;
            return LLM_OK;
        }
    }

    n = llm_alloc(x->arena, sizeof(llm_name_t));
    if (n == NULL) {
        return LLM_NOMEM;
    }

    /* room for a letter in front */

    p = llm_alloc(x->arena, name->len + 1 + LLM_NAME_HASH);
    if (p == NULL) {
        return LLM_NOMEM;
    }

    n->target.data = p;
    n->name = *name;

    if (rule->letter && name->len
        && (name->data[0] == '-' || name->data[0] == '.'
            || name->data[0] == ':'
            || (name->data[0] >= '0' && name->data[0] <= '9')))
    {
        *p++ = '_';
    }

    for (i = 0; i < name->len; i++) {
        *p++ = (unsigned char) (llm_name_takes(rule, name->data[i])
                                ? name->data[i] : '_');
    }

    len = (size_t) (p - n->target.data);

    if (len > rule->max - LLM_NAME_HASH) {
        len = rule->max - LLM_NAME_HASH;
    }

    p = n->target.data + len;
    hash = llm_name_mix(llm_name_hash(LLM_NAME_SEED_1, name->data,
                                      name->len));
    *p++ = '_';

    for (i = 0; i < 8; i++) {
        *p++ = (unsigned char) hex[hash >> (i * 4) & 15];
    }

    n->target.len = (size_t) (p - n->target.data);

    /* tools are told before calls: those of answers are among the first */

    if (known < LLM_NAME_MAX) {
        n->next = x->names;
        x->names = n;
    }

    *out = n->target;

    return LLM_OK;
}


void
llm_name_restore(const llm_translate_t *x, const llm_str_t *name,
    llm_str_t *out)
{
    const llm_name_t  *n;

    *out = *name;

    for (n = x->names; n; n = n->next) {

        if (n->target.len == name->len
            && memcmp(n->target.data, name->data, name->len) == 0)
        {
            *out = n->name;
            return;
        }
    }
}


int
llm_id_map(llm_arena_t *arena, const llm_name_rule_t *rule,
    const llm_str_t *id, llm_str_t *out)
{
    size_t          len, max;
    uint64_t        h1, h2;
    unsigned char  *p, digits[2 * LLM_ID_DIGITS];

    if (llm_name_valid(rule, id)) {
        *out = *id;
        return LLM_OK;
    }

    h1 = llm_name_mix(llm_name_hash(LLM_NAME_SEED_1, id->data, id->len));
    h2 = llm_name_mix(llm_name_hash(LLM_NAME_SEED_2, id->data, id->len));

    llm_name_digits(h1, digits, LLM_ID_DIGITS);
    llm_name_digits(h2, digits + LLM_ID_DIGITS, LLM_ID_DIGITS);

    max = sizeof(digits);

    out->len = max;

    if (!rule->alnum && rule->max >= max + 5) {
        out->len += 5;

    } else if (out->len > rule->max) {
        out->len = rule->max;
    }

    p = llm_alloc(arena, out->len);
    if (p == NULL) {
        return LLM_NOMEM;
    }

    out->data = p;
    len = out->len;

    if (len > max) {
        memcpy(p, "call_", 5);
        p += 5;
        len -= 5;
    }

    memcpy(p, digits, len);

    return LLM_OK;
}


int
llm_id_make(llm_translate_t *x, const char *prefix, unsigned n,
    llm_str_t *out)
{
    size_t          len;
    uint64_t        h;
    unsigned char  *p;

    len = strlen(prefix);

    p = llm_alloc(x->arena, len + LLM_ID_SIZE);
    if (p == NULL) {
        return LLM_NOMEM;
    }

    out->data = p;
    out->len = len + LLM_ID_SIZE;

    memcpy(p, prefix, len);
    p += len;

    h = llm_name_hash(LLM_NAME_SEED_1, x->conf->id.data, x->conf->id.len);
    h = llm_name_hash(h, prefix, len);
    h = llm_name_hash(h, &n, sizeof(unsigned));

    llm_name_digits(llm_name_mix(h), p, LLM_ID_SIZE / 2);

    h = llm_name_hash(h ^ LLM_NAME_SEED_2, x->conf->id.data,
                      x->conf->id.len);

    llm_name_digits(llm_name_mix(h), p + LLM_ID_SIZE / 2, LLM_ID_SIZE / 2);

    return LLM_OK;
}


static unsigned
llm_name_valid(const llm_name_rule_t *rule, const llm_str_t *s)
{
    size_t  i;

    if (s->len == 0 || s->len > rule->max) {
        return 0;
    }

    /* a rule of letters and digits alone is one of a fixed length */

    if (rule->alnum && s->len != rule->max) {
        return 0;
    }

    for (i = 0; i < s->len; i++) {

        if (!llm_name_takes(rule, s->data[i])) {
            return 0;
        }
    }

    return !rule->letter
           || (s->data[0] | 0x20) >= 'a'
           || s->data[0] == '_';
}


static unsigned
llm_name_takes(const llm_name_rule_t *rule, unsigned char c)
{
    if ((c >= '0' && c <= '9')
        || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
    {
        return 1;
    }

    if (rule->alnum) {
        return 0;
    }

    if (c == '_' || c == '-') {
        return 1;
    }

    return rule->dots && (c == '.' || c == ':');
}


/* FNV-1a, and the finisher of splitmix64 where all bits must count */

static uint64_t
llm_name_hash(uint64_t h, const void *data, size_t len)
{
    size_t                i;
    const unsigned char  *p;

    p = data;

    for (i = 0; i < len; i++) {
        h = (h ^ p[i]) * 0x100000001b3ull;
    }

    return h;
}


static uint64_t
llm_name_mix(uint64_t h)
{
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9ull;
    h = (h ^ h >> 27) * 0x94d049bb133111ebull;

    return h ^ h >> 31;
}


static void
llm_name_digits(uint64_t n, unsigned char *p, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        p[i] = (unsigned char) llm_name_chars[n % 62];
        n /= 62;

        if (n == 0) {
            n = llm_name_mix(i + p[i]);
        }
    }
}
