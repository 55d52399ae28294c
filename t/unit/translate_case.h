
/*
 * One translation from end to end: what goes to the provider, and what the
 * client gets for what comes back.
 */


#ifndef _TRANSLATE_CASE_H_INCLUDED_
#define _TRANSLATE_CASE_H_INCLUDED_


#include "unit.h"
#include "llm_answer.h"
#include "llm_dialect.h"
#include "llm_quirk.h"

#include <cjson/cJSON.h>


typedef struct {
    llm_arena_t           *arena;
    llm_form_t            *form;
    llm_to_t               to;
    llm_translate_conf_t   conf;
    llm_translate_t       *x;
    llm_error_t            err;
    llm_buf_t              out;
    int                    rc;
} case_t;


/* reads a client's request; c->rc tells how it went */

static inline void
case_open(case_t *c, llm_op_e op, const char *body, llm_dialect_e to,
    uint64_t quirks)
{
    llm_str_t  s;

    memset(c, 0, sizeof(case_t));

    c->arena = llm_arena_create(64 * 1024 * 1024);
    llm_buf_init(&c->out, c->arena);

    c->to.dialect = to;
    c->to.quirks = quirks;
    c->to.model = unit_str("upstream-model");
    c->to.max_output = -1;

    c->conf.id = unit_str("00112233445566778899aabbccddeeff");
    c->conf.model = unit_str("asked-model");
    c->conf.created = 1700000000;

    s = unit_str(body);

    c->rc = llm_translate_read(c->arena, &llm_ops[op], &s, &c->form,
                               &c->err);

    if (c->rc == LLM_OK) {
        c->x = llm_translate_create(c->arena, c->form, &c->to, &c->conf);
    }
}


/* the request to the provider, in c->out */

static inline void
case_request(case_t *c)
{
    if (c->rc == LLM_OK) {
        c->out.len = 0;
        c->rc = llm_translate_request(c->x, &c->out, &c->err);
    }
}


static inline void
case_close(case_t *c)
{
    llm_arena_free(c->arena);
}


static inline llm_str_t
case_out(const case_t *c)
{
    llm_str_t  s;

    s.data = c->out.data;
    s.len = c->out.len;

    return s;
}


/* one event of the provider's stream; name may be NULL */

static inline int
case_event(case_t *c, const char *name, const char *data)
{
    llm_str_t  n, d;

    n = unit_str(name ? name : "");
    d = unit_str(data);

    c->rc = llm_translate_event(c->x, &n, &d, &c->out);

    return c->rc;
}


/* input, cached, output and reasoning tokens as a reader would tell them */

static inline void
case_usage(case_t *c, int64_t input, int64_t cached, int64_t output,
    int64_t reasoning)
{
    llm_usage_t  u;

    memset(&u, 0, sizeof(llm_usage_t));

    llm_usage_set(&u, LLM_USAGE_INPUT, input);
    llm_usage_set(&u, LLM_USAGE_CACHE_READ, cached);
    llm_usage_set(&u, LLM_USAGE_OUTPUT, output);
    llm_usage_set(&u, LLM_USAGE_REASONING, reasoning);

    llm_translate_usage(c->x, &u);
}


static inline int
case_answer(case_t *c, const char *body)
{
    llm_str_t  s;

    s = unit_str(body);

    c->out.len = 0;
    c->rc = llm_translate_answer(c->x, &s, &c->out);

    return c->rc;
}


/* what was made is JSON, and equal to want, whatever the order of members */

static inline void
case_is(const case_t *c, const char *want, const char *name)
{
    cJSON  *a, *b;

    a = cJSON_ParseWithLength((char *) c->out.data, c->out.len);
    b = cJSON_Parse(want);

    ok(a && b && cJSON_Compare(a, b, 1), "%s", name);

    if (!a || !b || !cJSON_Compare(a, b, 1)) {
        printf("# got  %.*s\n# want %s\n", (int) c->out.len,
               (char *) c->out.data, want);
    }

    cJSON_Delete(a);
    cJSON_Delete(b);
}


static inline unsigned
case_has(const case_t *c, const char *text)
{
    size_t  i, len;

    len = strlen(text);

    for (i = 0; i + len <= c->out.len; i++) {

        if (memcmp(c->out.data + i, text, len) == 0) {
            return 1;
        }
    }

    printf("# no %s in %.*s\n", text, (int) c->out.len,
           (char *) c->out.data);

    return 0;
}


#endif /* _TRANSLATE_CASE_H_INCLUDED_ */
