
/*
 * The internal form: JSON text that was found well-formed before.
 */


#include "llm_dialect.h"


#define LLM_FORM_MAX_WORD  256

#define llm_form_space(c)                                                     \
    ((c) == ' ' || (c) == '\n' || (c) == '\r' || (c) == '\t')


static int llm_form_decode(llm_buf_t *b, const llm_str_t *raw,
    unsigned halves);
static void llm_form_unescape_loose(llm_buf_t *b, const unsigned char *p,
    const unsigned char *end, unsigned halves);
static size_t llm_form_escape(llm_buf_t *b, const unsigned char *p,
    const unsigned char *end, unsigned halves);
static int llm_form_wrap(llm_arena_t *arena, const char *name,
    const llm_str_t *text, unsigned raw, llm_str_t *json);


int
llm_form_string(llm_arena_t *arena, const llm_str_t *raw, llm_str_t *out)
{
    llm_buf_t  b;

    out->len = 0;
    out->data = NULL;

    if (llm_form_type(raw) != LLM_JSON_STRING || raw->len < 2) {
        return LLM_INVALID;
    }

    if (memchr(raw->data, '\\', raw->len) == NULL) {
        out->data = raw->data + 1;
        out->len = raw->len - 2;
        return LLM_OK;
    }

    llm_buf_init(&b, arena);

    if (llm_buf_reserve(&b, raw->len) != LLM_OK) {
        return LLM_NOMEM;
    }

    llm_form_unescape(&b, raw);

    if (b.failed) {
        return LLM_NOMEM;
    }

    out->data = b.data;
    out->len = b.len;

    return LLM_OK;
}


int
llm_form_unescape(llm_buf_t *b, const llm_str_t *raw)
{
    return llm_form_decode(b, raw, 0);
}


int
llm_form_unescape_halves(llm_buf_t *b, const llm_str_t *raw)
{
    return llm_form_decode(b, raw, 1);
}


size_t
llm_form_half(const unsigned char *p, const unsigned char *end,
    uint32_t *half)
{
    const unsigned char  *start;

    start = p;
    *half = 0;

    while (p < end
           && (p = memchr(p, 0xed, (size_t) (end - p))) != NULL)
    {

        if (end - p >= LLM_FORM_HALF && p[1] >= 0xa0) {
            *half = 0xd000 | (uint32_t) (p[1] & 0x3f) << 6 | (p[2] & 0x3f);
            return (size_t) (p - start);
        }

        p++;
    }

    return (size_t) (end - start);
}


static int
llm_form_decode(llm_buf_t *b, const llm_str_t *raw, unsigned halves)
{
    size_t  n;

    if (llm_form_type(raw) != LLM_JSON_STRING || raw->len < 2) {
        return LLM_INVALID;
    }

    if (llm_buf_reserve(b, raw->len) != LLM_OK) {
        return LLM_NOMEM;
    }

    if (llm_json_unescape(raw->data + 1, raw->len - 2, b->data + b->len, &n)
        == LLM_OK)
    {
        b->len += n;
        return LLM_OK;
    }

    /* a zero, or half of a surrogate pair */

    llm_form_unescape_loose(b, raw->data + 1, raw->data + raw->len - 1,
                            halves);

    return b->failed ? LLM_NOMEM : LLM_OK;
}


static void
llm_form_unescape_loose(llm_buf_t *b, const unsigned char *p,
    const unsigned char *end, unsigned halves)
{
    size_t  n;

    while (p < end) {

        if (*p == '\\') {
            p += llm_form_escape(b, p, end, halves);
            continue;
        }

        n = llm_utf8(p, (size_t) (end - p));

        if (n == 0) {
            llm_buf_puts(b, "\xef\xbf\xbd");
            p++;
            continue;
        }

        llm_buf_add(b, p, n);
        p += n;
    }
}


/* the escape at p, or the pair of two; how long it is */

static size_t
llm_form_escape(llm_buf_t *b, const unsigned char *p,
    const unsigned char *end, unsigned halves)
{
    size_t         i, len;
    uint32_t       half;
    unsigned char  c[16];

    static const size_t  sizes[] = { 2, 6, 12 };

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {

        if ((size_t) (end - p) >= sizes[i]
            && llm_json_unescape(p, sizes[i], c, &len) == LLM_OK)
        {
            llm_buf_add(b, c, len);
            return sizes[i];
        }
    }

    if (end - p >= 6 && memcmp(p, "\\u0000", 6) == 0) {
        llm_buf_add(b, "", 1);
        return 6;
    }

    if (end - p < 6) {
        llm_buf_puts(b, "\xef\xbf\xbd");
        return (size_t) (end - p);
    }

    /* half of a surrogate pair: nothing else is left */

    if (!halves) {
        llm_buf_puts(b, "\xef\xbf\xbd");
        return 6;
    }

    (void) llm_json_hex(p + 2, end, &half);
    (void) llm_utf8_print(c, half);

    llm_buf_add(b, c, LLM_FORM_HALF);

    return 6;
}


int
llm_form_is(const llm_str_t *raw, const char *s)
{
    size_t         n, len;
    unsigned char  word[LLM_FORM_MAX_WORD];

    len = strlen(s);

    if (raw->len == len + 2
        && raw->data[0] == '"'
        && memcmp(raw->data + 1, s, len) == 0)
    {
        return 1;
    }

    /* the same with escapes is longer */

    if (raw->len <= len + 2
        || raw->len > sizeof(word)
        || raw->data[0] != '"'
        || memchr(raw->data, '\\', raw->len) == NULL
        || llm_json_unescape(raw->data + 1, raw->len - 2, word, &n) != LLM_OK)
    {
        return 0;
    }

    return n == len && memcmp(word, s, len) == 0;
}


llm_json_e
llm_form_type(const llm_str_t *raw)
{
    if (raw->len == 0) {
        return LLM_JSON_NONE;
    }

    switch (raw->data[0]) {

    case '{':
        return LLM_JSON_OBJECT;

    case '[':
        return LLM_JSON_ARRAY;

    case '"':
        return LLM_JSON_STRING;

    case 'n':
        return LLM_JSON_NULL;

    case 't':
        return LLM_JSON_TRUE;

    case 'f':
        return LLM_JSON_FALSE;

    default:
        return LLM_JSON_NUMBER;
    }
}


int
llm_form_member(const llm_str_t *object, const char *name, llm_str_t *value)
{
    int         rc;
    llm_str_t   member, v, found;
    llm_walk_t  w;

    rc = LLM_DECLINED;

    found.len = 0;
    found.data = NULL;

    if (llm_form_type(object) == LLM_JSON_OBJECT) {
        llm_walk_open(&w, object);

        while (llm_walk_member(&w, &member, &v)) {

            if (llm_form_is(&member, name)) {
                found = v;
                rc = LLM_OK;
            }
        }
    }

    /* value may be object itself */

    *value = found;

    return rc;
}


int
llm_form_check(llm_arena_t *arena, const llm_str_t *text, llm_json_e *type)
{
    llm_scan_t  *scan;

    scan = llm_scan_create(arena, NULL, 0, 0);
    if (scan == NULL) {
        return LLM_NOMEM;
    }

    if (llm_scan_feed(scan, text->data, text->len) != LLM_OK
        || llm_scan_end(scan) != LLM_OK)
    {
        return LLM_INVALID;
    }

    *type = llm_scan_type(scan);

    return LLM_OK;
}


int
llm_form_arguments(llm_arena_t *arena, const llm_str_t *text,
    llm_str_t *json)
{
    int         rc;
    llm_str_t   s;
    llm_json_e  type;

    s = *text;

    while (s.len && llm_form_space(s.data[0])) {
        s.data++;
        s.len--;
    }

    while (s.len && llm_form_space(s.data[s.len - 1])) {
        s.len--;
    }

    if (s.len == 0 || llm_str_is(&s, "{}")) {
        json->data = (unsigned char *) "{}";
        json->len = 2;
        return LLM_OK;
    }

    rc = llm_form_check(arena, &s, &type);

    if (rc == LLM_NOMEM) {
        return LLM_NOMEM;
    }

    if (rc != LLM_OK) {
        return llm_form_wrap(arena, "{\"_raw\":", text, 0, json);
    }

    if (type != LLM_JSON_OBJECT) {
        return llm_form_wrap(arena, "{\"_value\":", &s, 1, json);
    }

    *json = s;

    return LLM_OK;
}


static int
llm_form_wrap(llm_arena_t *arena, const char *name, const llm_str_t *text,
    unsigned raw, llm_str_t *json)
{
    llm_buf_t  b;

    llm_buf_init(&b, arena);
    llm_buf_puts(&b, name);

    if (raw) {
        llm_buf_add(&b, text->data, text->len);

    } else {
        llm_buf_json(&b, text->data, text->len);
    }

    llm_buf_puts(&b, "}");

    json->data = b.data;
    json->len = b.len;

    return b.failed ? LLM_NOMEM : LLM_OK;
}


void
llm_form_print_raw(llm_buf_t *out, const llm_str_t *raw)
{
    size_t  i, start;

    start = 0;

    /* a line break is never inside of a string */

    for (i = 0; i < raw->len; i++) {

        if (raw->data[i] == '\n' || raw->data[i] == '\r') {
            llm_buf_add(out, raw->data + start, i - start);
            llm_buf_puts(out, " ");
            start = i + 1;
        }
    }

    llm_buf_add(out, raw->data + start, raw->len - start);
}
