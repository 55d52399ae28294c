
/*
 * Conversations between any two protocols: nothing that a client or a provider
 * sends does harm, what is made of it is JSON, a request's form serves each
 * attempt alike, and a stream that ended well is closed once.
 *
 * The input's first bytes choose the client's operation, the provider's
 * dialect and its quirks, and whether the rest is a request, a whole answer,
 * or events of a stream, one a line with the event's name before a tab.
 */


#define _GNU_SOURCE
#include "llm_dialect.h"
#include "llm_quirk.h"

#include <stdio.h>
#include <stdlib.h>


#define HEAD  8


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const llm_op_e  ops[] = {
    LLM_OP_CHAT, LLM_OP_MESSAGES, LLM_OP_RESPONSES, LLM_OP_GENERATE,
    LLM_OP_GENERATE_STREAM, LLM_OP_COUNT_TOKENS, LLM_OP_GEMINI_COUNT
};

static const char  *requests[] = {
    "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":"
    "true},\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},"
    "{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}}],"
    "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
    "\"out\",\"schema\":{}}}}",
    "{\"model\":\"m\",\"stream\":true,\"max_tokens\":9,\"messages\":["
    "{\"role\":\"user\",\"content\":\"a\"}]}",
    "{\"model\":\"m\",\"stream\":true,\"input\":\"a\",\"tools\":[{\"type\":"
    "\"custom\",\"name\":\"c\"}],\"reasoning\":{\"summary\":\"auto\"},"
    "\"include\":[\"reasoning.encrypted_content\"]}",
    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a\"}]}]}",
    "{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}],\"generationConfig\":"
    "{\"thinkingConfig\":{\"includeThoughts\":true}}}",
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
    "{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}]}"
};


typedef struct {
    llm_arena_t            *arena;
    llm_to_t                to;
    llm_translate_conf_t    conf;
    llm_form_t             *form;
} fuzz_t;


static llm_str_t
str(const char *s)
{
    llm_str_t  t;

    t.data = (unsigned char *) s;
    t.len = strlen(s);

    return t;
}


static void
must_be_json(fuzz_t *f, const unsigned char *data, size_t len)
{
    llm_str_t   s;
    llm_json_e  type;

    s.data = (unsigned char *) data;
    s.len = len;

    if (llm_form_check(f->arena, &s, &type) == LLM_INVALID) {
        fprintf(stderr, "no JSON: %.*s\n", (int) len, (char *) data);
        abort();
    }
}


/* what was left out is named in a header */

static void
check_dropped(llm_translate_t *x)
{
    size_t     i;
    llm_str_t  s;

    s = llm_translate_dropped(x);

    for (i = 0; i < s.len; i++) {

        if (s.data[i] <= ' ' || s.data[i] >= 0x7f) {
            fprintf(stderr, "no header: %.*s\n", (int) s.len,
                    (char *) s.data);
            abort();
        }
    }
}


/* lines of data, or a JSON array of events */

static void
check_stream(fuzz_t *f, const llm_buf_t *out, unsigned whole)
{
    size_t                len;
    const unsigned char  *p, *end, *lf;

    if (out->failed || out->len == 0) {
        return;
    }

    p = out->data;
    end = p + out->len;

    if (f->conf.array) {

        if (whole) {
            must_be_json(f, p, out->len);
        }

        return;
    }

    while (p < end) {
        lf = memchr(p, '\n', (size_t) (end - p));

        if (lf == NULL) {
            fprintf(stderr, "a line without its end\n");
            abort();
        }

        len = (size_t) (lf - p);

        if (len && p[len - 1] == '\r') {
            len--;
        }

        if (len > 6 && memcmp(p, "data: ", 6) == 0) {

            if (len != 12 || memcmp(p, "data: [DONE]", 12) != 0) {
                must_be_json(f, p + 6, len - 6);
            }

        } else if (len && p[0] != ':' && memcmp(p, "event: ", 7) != 0) {
            fprintf(stderr, "a line \"%.*s\"\n", (int) len, (char *) p);
            abort();
        }

        p = lf + 1;
    }
}


static void
fuzz_request(fuzz_t *f, const llm_op_t *op, const llm_str_t *body)
{
    int               rc, again;
    unsigned          i;
    llm_buf_t         out[2];
    llm_error_t       err;
    llm_json_e        type;
    llm_translate_t  *x;

    if (llm_form_check(f->arena, body, &type) != LLM_OK) {
        return;
    }

    memset(&err, 0, sizeof(llm_error_t));

    rc = llm_translate_read(f->arena, op, body, &f->form, &err);

    if (rc == LLM_INVALID && (err.code == 0 || err.message.len == 0)) {
        abort();
    }

    if (rc != LLM_OK) {
        return;
    }

    again = LLM_OK;

    for (i = 0; i < 2; i++) {
        x = llm_translate_create(f->arena, f->form, &f->to, &f->conf);

        if (x == NULL) {
            return;
        }

        llm_buf_init(&out[i], f->arena);
        memset(&err, 0, sizeof(llm_error_t));

        rc = llm_translate_request(x, &out[i], &err);

        if (rc == LLM_INVALID && (err.code == 0 || err.message.len == 0)) {
            abort();
        }

        if (rc == LLM_OK) {

            if (out[i].data[0] != '{') {
                abort();
            }

            must_be_json(f, out[i].data, out[i].len);
        }

        check_dropped(x);

        if (rc == LLM_NOMEM || (i && rc != again)) {

            if (rc != LLM_NOMEM && again != LLM_NOMEM) {
                abort();
            }

            return;
        }

        again = rc;
    }

    if (rc == LLM_OK
        && (out[0].len != out[1].len
            || memcmp(out[0].data, out[1].data, out[0].len) != 0))
    {
        fprintf(stderr, "first:  %.*s\nsecond: %.*s\n", (int) out[0].len,
                (char *) out[0].data, (int) out[1].len, (char *) out[1].data);
        abort();
    }
}


static llm_translate_t *
fuzz_open(fuzz_t *f, unsigned i)
{
    llm_str_t    body;
    llm_error_t  err;

    body = str(requests[i]);

    if (llm_translate_read(f->arena, &llm_ops[ops[i]], &body, &f->form, &err)
        != LLM_OK)
    {
        return NULL;
    }

    return llm_translate_create(f->arena, f->form, &f->to, &f->conf);
}


static void
fuzz_answer(fuzz_t *f, llm_translate_t *x, const llm_str_t *body)
{
    llm_buf_t  out;

    llm_buf_init(&out, f->arena);

    if (llm_translate_answer(x, body, &out) == LLM_OK) {
        must_be_json(f, out.data, out.len);
    }
}


static void
fuzz_events(fuzz_t *f, llm_translate_t *x, const unsigned char *p,
    const unsigned char *end, unsigned length)
{
    int                   rc;
    llm_buf_t             out;
    llm_str_t             name, data;
    llm_error_t           err;
    unsigned char        *copy;
    const unsigned char  *lf, *tab;

    llm_buf_init(&out, f->arena);
    rc = LLM_OK;

    while (p < end && rc == LLM_OK) {
        lf = memchr(p, '\n', (size_t) (end - p));
        lf = lf ? lf : end;

        tab = memchr(p, '\t', (size_t) (lf - p));

        name.data = (unsigned char *) p;
        name.len = tab ? (size_t) (tab - p) : 0;
        p = tab ? tab + 1 : p;

        /* memory of its own, which is gone afterwards */

        data.len = (size_t) (lf - p);
        copy = malloc(data.len + 1);
        memcpy(copy, p, data.len);
        data.data = copy;

        rc = llm_translate_event(x, &name, &data, &out);

        memset(copy, 'x', data.len);
        free(copy);

        p = lf < end ? lf + 1 : end;
    }

    if (rc == LLM_OK && length) {
        llm_translate_length(x, &out);

    } else if (rc == LLM_OK) {
        rc = llm_translate_end(x, &out);
    }

    if (rc != LLM_OK && llm_translate_begun(x)) {
        memset(&err, 0, sizeof(llm_error_t));
        err.code = LLM_ERROR_UPSTREAM_ERROR;
        err.message = str("it broke");

        llm_translate_break(x, llm_translate_fault(x) ? NULL : &err, &out);
    }

    check_stream(f, &out, llm_translate_ended(x));

    /* nothing comes behind the end */

    out.len = 0;
    name = str("");
    data = str("{}");

    if (llm_translate_ended(x)) {
        llm_translate_event(x, &name, &data, &out);
        llm_translate_end(x, &out);

        if (out.len) {
            abort();
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_t            f;
    unsigned          i, mode;
    llm_str_t         body;
    unsigned char    *copy;
    llm_translate_t  *x;

    if (size < HEAD) {
        return 0;
    }

    memset(&f, 0, sizeof(fuzz_t));

    f.arena = llm_arena_create(64 * 1024 * 1024);

    i = data[0] % (sizeof(ops) / sizeof(ops[0]));
    mode = data[1] % 4;

    f.to.dialect = (llm_dialect_e) (1 + data[2] % (LLM_DIALECT_N - 1));
    f.to.quirks = (uint64_t) data[3] | (uint64_t) data[4] << 8
                  | (uint64_t) data[5] << 16 | (uint64_t) data[6] << 24;
    f.to.model = str(data[7] & 1 ? "anthropic.claude-sonnet-4" : "nova-2");
    f.to.max_output = (data[7] & 2) ? 5000 : -1;

    f.conf.id = str("0123456789abcdef");
    f.conf.model = str("asked");
    f.conf.created = 1;
    f.conf.betas = str("a, b");
    f.conf.array = (ops[i] == LLM_OP_GENERATE_STREAM && (data[7] & 4));

    body.len = size - HEAD;
    copy = malloc(body.len + 1);
    memcpy(copy, data + HEAD, body.len);
    body.data = copy;

    if (mode == 0) {
        fuzz_request(&f, &llm_ops[ops[i]], &body);

    } else {
        x = fuzz_open(&f, i);

        if (x && mode == 1) {
            fuzz_answer(&f, x, &body);

        } else if (x) {
            fuzz_events(&f, x, body.data, body.data + body.len, mode == 3);
        }
    }

    free(copy);
    llm_arena_free(f.arena);

    return 0;
}
