
/*
 * Answers of a provider of any protocol for any client: none does harm, and
 * what the client gets keeps its protocol's grammar, whatever the provider
 * sends and wherever it ends.  The input's first three bytes choose client,
 * provider and how it ends; a stream has an event on each line.
 */


#define _GNU_SOURCE
#include "../unit/grammar.h"
#include "llm_dialect.h"
#include "llm_quirk.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


typedef struct {
    llm_op_e       op;
    unsigned       stream;
    unsigned       array;
    const char    *body;
} client_t;

static const client_t  clients[] = {
    { LLM_OP_CHAT, 0, 0,
      "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}" },
    { LLM_OP_CHAT, 1, 0,
      "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":"
      "true,\"stream_options\":{\"include_usage\":true}}" },
    { LLM_OP_RESPONSES, 0, 0, "{\"input\":\"hi\"}" },
    { LLM_OP_RESPONSES, 1, 0, "{\"input\":\"hi\",\"stream\":true}" },
    { LLM_OP_RESPONSES, 1, 0,
      "{\"input\":\"hi\",\"stream\":true,\"reasoning\":{\"summary\":"
      "\"auto\"}}" },
    { LLM_OP_MESSAGES, 0, 0,
      "{\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":"
      "\"hi\"}]}" },
    { LLM_OP_MESSAGES, 1, 0,
      "{\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":"
      "\"hi\"}],\"stream\":true}" },
    { LLM_OP_GENERATE, 0, 0,
      "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}]}" },
    { LLM_OP_GENERATE_STREAM, 1, 0,
      "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}]}" },
    { LLM_OP_GENERATE_STREAM, 1, 1,
      "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}]}" }
};


static void
run_stream(llm_translate_t *x, const char *p, size_t len, unsigned how,
    llm_buf_t *out)
{
    int           rc;
    size_t        n;
    llm_str_t     name, data;
    const char   *lf, *tab;

    rc = LLM_OK;

    while (len && rc == LLM_OK) {
        lf = memchr(p, '\n', len);
        n = lf ? (size_t) (lf - p) : len;

        /* a name, if there is a tab behind it */

        tab = memchr(p, '\t', n);

        name.data = (unsigned char *) p;
        name.len = tab ? (size_t) (tab - p) : 0;
        data.data = (unsigned char *) (tab ? tab + 1 : p);
        data.len = n - (tab ? name.len + 1 : 0);

        rc = llm_translate_event(x, &name, &data, out);

        n += (lf != NULL);
        p += n;
        len -= n;
    }

    if (rc == LLM_OK && how % 3 == 0) {
        llm_translate_length(x, out);
        return;
    }

    if (rc == LLM_OK) {
        rc = llm_translate_end(x, out);
    }

    if (rc != LLM_OK) {
        llm_translate_break(x, NULL, out);
    }
}


static void
check_told(const client_t *c, char *body, const uint8_t *data, size_t size)
{
    told_t  t;

    told_init(&t);

    switch (c->op) {

    case LLM_OP_CHAT:
        c->stream ? chat_stream(&t, body) : chat_whole(&t, body);
        break;

    case LLM_OP_RESPONSES:
        c->stream ? responses_stream(&t, body) : responses_whole(&t, body);
        break;

    case LLM_OP_MESSAGES:
        c->stream ? messages_stream(&t, body) : messages_whole(&t, body);
        break;

    case LLM_OP_GENERATE:
        generate_whole(&t, body);
        break;

    default:
        c->array ? generate_array(&t, body) : generate_stream(&t, body);
    }

    if (t.wrong[0] == '\0' && !t.complete && !t.error) {
        wrong(&t, "neither complete nor an error");
    }

    /* a zero ends strings of the reader, not those of JSON */

    if (t.wrong[0] && memmem(data, size, "\\u0000", 6) == NULL) {
        fprintf(stderr, "%s\n", t.wrong);
        abort();
    }

    told_free(&t);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                    rc;
    char                  *body;
    llm_str_t              s;
    llm_buf_t              out, request;
    llm_to_t               to;
    llm_form_t            *form;
    llm_error_t            err;
    llm_usage_t            usage;
    llm_arena_t           *arena;
    const client_t        *c;
    llm_translate_t       *x;
    llm_translate_conf_t   conf;

    if (size < 3) {
        return 0;
    }

    c = &clients[data[0] % (sizeof(clients) / sizeof(clients[0]))];

    memset(&to, 0, sizeof(llm_to_t));
    memset(&err, 0, sizeof(llm_error_t));
    memset(&usage, 0, sizeof(llm_usage_t));
    memset(&conf, 0, sizeof(llm_translate_conf_t));

    to.dialect = (llm_dialect_e) (1 + data[1] % (LLM_DIALECT_N - 1));

    /* between hosts of one protocol events are passed as they come */

    if (to.dialect == LLM_DIALECT_MESSAGES && c->op == LLM_OP_MESSAGES) {
        return 0;
    }

    to.quirks = data[1] / 16 % 2 ? LLM_QUIRK(OPENROUTER) : 0;
    to.max_output = -1;
    to.model.data = (unsigned char *) "model";
    to.model.len = 5;

    conf.id.data = (unsigned char *) "0011";
    conf.id.len = 4;
    conf.model = to.model;
    conf.array = c->array;

    arena = llm_arena_create(256 * 1024 * 1024);
    llm_buf_init(&out, arena);
    llm_buf_init(&request, arena);

    s.data = (unsigned char *) c->body;
    s.len = strlen(c->body);

    x = NULL;

    if (llm_translate_read(arena, &llm_ops[c->op], &s, &form, &err)
        == LLM_OK)
    {
        x = llm_translate_create(arena, form, &to, &conf);
    }

    if (x == NULL || llm_translate_request(x, &request, &err) != LLM_OK) {
        llm_arena_free(arena);
        return 0;
    }

    llm_usage_set(&usage, LLM_USAGE_INPUT, 3);
    llm_usage_set(&usage, LLM_USAGE_OUTPUT, 4);
    llm_translate_usage(x, &usage);

    if (c->stream) {
        run_stream(x, (const char *) data + 3, size - 3, data[2], &out);
        rc = LLM_OK;

    } else {
        s.data = (unsigned char *) data + 3;
        s.len = size - 3;

        rc = llm_translate_answer(x, &s, &out);

        if (rc != LLM_OK && out.len) {
            abort();
        }
    }

    if (rc == LLM_OK && !out.failed) {
        body = malloc(out.len + 1);
        memcpy(body, out.data, out.len);
        body[out.len] = '\0';

        check_told(c, body, data, size);
        free(body);
    }

    llm_arena_free(arena);

    return 0;
}
