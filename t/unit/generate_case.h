
/*
 * Conversations between a client and a provider of given protocols, in one
 * call each, for tests of dialects.
 */


#ifndef _GENERATE_CASE_H_INCLUDED_
#define _GENERATE_CASE_H_INCLUDED_


#include "unit.h"
#include "llm_dialect.h"
#include "llm_quirk.h"
#include "llm_sse.h"


static llm_arena_t           *arena;
static llm_error_t            error;
static llm_to_t               to;
static llm_translate_conf_t   conf;
static llm_translate_t       *x;


static inline void
case_init(llm_dialect_e dialect, uint64_t quirks, const char *model)
{
    if (arena) {
        llm_arena_free(arena);
    }

    arena = llm_arena_create(64 * 1024 * 1024);
    x = NULL;

    memset(&error, 0, sizeof(error));
    memset(&to, 0, sizeof(to));
    memset(&conf, 0, sizeof(conf));

    to.dialect = dialect;
    to.quirks = quirks;
    to.model = unit_str(model);
    to.max_output = -1;

    conf.id = unit_str("0123456789abcdef");
    conf.model = unit_str("public");
    conf.created = 1700000000;
}


/* reads the request; LLM_OK: x is ready */

static inline int
case_read(llm_op_e op, const char *body)
{
    int          rc;
    llm_str_t    text;
    llm_json_e   type;
    llm_form_t  *form;

    if (llm_str_dup(arena, &text, body, strlen(body)) != LLM_OK
        || llm_form_check(arena, &text, &type) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    rc = llm_translate_read(arena, &llm_ops[op], &text, &form, &error);

    if (rc != LLM_OK) {
        return rc;
    }

    x = llm_translate_create(arena, form, &to, &conf);

    return x ? LLM_OK : LLM_NOMEM;
}


/* what the provider is asked, or the refusal's "param: message" */

static inline llm_str_t
case_request(llm_op_e op, const char *body)
{
    llm_buf_t   out;
    llm_str_t   s;
    llm_json_e  type;

    llm_buf_init(&out, arena);

    if (case_read(op, body) != LLM_OK
        || llm_translate_request(x, &out, &error) != LLM_OK)
    {
        out.len = 0;
        llm_buf_add(&out, error.param.data, error.param.len);
        llm_buf_puts(&out, ": ");
        llm_buf_add(&out, error.message.data, error.message.len);

        s.data = out.data;
        s.len = out.len;

        return s;
    }

    s.data = out.data;
    s.len = out.len;

    if (llm_form_check(arena, &s, &type) != LLM_OK) {
        printf("# no JSON: %.*s\n", (int) s.len, (char *) s.data);
        s.len = 0;
    }

    return s;
}


/* what the client gets for a whole answer, or its "rc" */

static inline llm_str_t
case_answer(const char *body)
{
    int         rc;
    char        text[32];
    llm_buf_t   out;
    llm_str_t   answer, s;
    llm_json_e  type;

    llm_buf_init(&out, arena);

    llm_str_dup(arena, &answer, body, strlen(body));

    rc = llm_translate_answer(x, &answer, &out);

    s.data = out.data;
    s.len = out.len;

    if (rc != LLM_OK) {
        snprintf(text, sizeof(text), "%d", rc);
        llm_str_dup(arena, &s, text, strlen(text));

    } else if (llm_form_check(arena, &s, &type) != LLM_OK) {
        printf("# no JSON: %.*s\n", (int) s.len, (char *) s.data);
        s.len = 0;
    }

    return s;
}


/*
 * What the client gets for a stream: events are JSON texts; the last one is
 * NULL.  Ends with "!RC" of what went wrong, if anything.
 */

static inline llm_str_t
case_stream(const char *const *events)
{
    int        rc;
    char       text[32];
    unsigned   i;
    llm_buf_t  out;
    llm_str_t  none, event, s;

    llm_buf_init(&out, arena);

    none.len = 0;
    none.data = NULL;

    rc = LLM_OK;

    for (i = 0; rc == LLM_OK && events[i]; i++) {
        llm_str_dup(arena, &event, events[i], strlen(events[i]));

        rc = llm_translate_event(x, &none, &event, &out);

        memset(event.data, 'x', event.len);
    }

    if (rc == LLM_OK) {
        rc = llm_translate_end(x, &out);
    }

    if (rc != LLM_OK) {
        snprintf(text, sizeof(text), "!%d", rc);
        llm_buf_puts(&out, text);
    }

    s.data = out.data;
    s.len = out.len;

    return s;
}


static inline unsigned
case_has(llm_str_t s, const char *text)
{
    size_t  i, len;

    len = strlen(text);

    for (i = 0; i + len <= s.len; i++) {
        if (memcmp(s.data + i, text, len) == 0) {
            return 1;
        }
    }

    printf("# \"%s\" is not in \"%.*s\"\n", text, (int) s.len,
           (char *) s.data);

    return 0;
}


#define has(s, text, ...)  ok(case_has(s, text), __VA_ARGS__)
#define has_not(s, text, ...)  ok(!case_find(s, text), __VA_ARGS__)


static inline unsigned
case_find(llm_str_t s, const char *text)
{
    size_t  i, len;

    len = strlen(text);

    for (i = 0; i + len <= s.len; i++) {
        if (memcmp(s.data + i, text, len) == 0) {
            return 1;
        }
    }

    return 0;
}


#endif /* _GENERATE_CASE_H_INCLUDED_ */
