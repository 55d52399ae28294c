
/*
 * Recorded answers of Anthropic's protocol and of Bedrock, whole and as
 * streams, for clients of Anthropic's protocol and of chat completions: what
 * each client reads is what the recordings' collector read by other means,
 * however the bytes are cut.  LLM_FIXTURES names their directory; without one
 * the test is skipped.
 */


#define _GNU_SOURCE
#include "translate_case.h"
#include "translate_client.h"
#include "llm_eventstream.h"
#include "llm_sse.h"

#include <dirent.h>


#define MAX_FILE  (1024 * 1024)


typedef struct {
    const char     *dir;
    llm_dialect_e   dialect;
    uint64_t        quirks;
    llm_op_e        op;           /* of the answer */
} endpoint_t;

static const endpoint_t  endpoints[] = {
    { "anthropic/messages", LLM_DIALECT_MESSAGES, 0, LLM_OP_MESSAGES },
    { "bedrock/invoke", LLM_DIALECT_MESSAGES, LLM_QUIRK(BEDROCK),
      LLM_OP_INVOKE_STREAM },
    { "bedrock/converse", LLM_DIALECT_CONVERSE, 0, LLM_OP_CONVERSE },
    { NULL, LLM_DIALECT_NONE, 0, LLM_OP_NONE }
};


static const char  *fixtures;


static char *
slurp(const char *id, const char *part, size_t *len)
{
    char   path[1024];
    char  *data;
    FILE  *f;

    snprintf(path, sizeof(path), "%s/%s.%s", fixtures, id, part);

    f = fopen(path, "rb");
    if (f == NULL) {
        return NULL;
    }

    data = malloc(MAX_FILE);
    *len = fread(data, 1, MAX_FILE - 1, f);
    data[*len] = '\0';
    fclose(f);

    return data;
}


static void
open_case(case_t *c, const endpoint_t *e, unsigned chat, unsigned stream)
{
    /* the form points into it; all that are open at once are the same */

    static char  body[512];

    snprintf(body, sizeof(body), "{\"model\":\"m\",\"max_tokens\":100,"
             "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]%s%s}",
             stream ? ",\"stream\":true" : "",
             (stream && chat) ? ",\"stream_options\":{\"include_usage\":true}"
                              : "");

    case_open(c, chat ? LLM_OP_CHAT : LLM_OP_MESSAGES, body, e->dialect,
              e->quirks);
}


static void
tell_usage(case_t *c, llm_answer_t *a)
{
    llm_str_t    raw;
    llm_usage_t  usage;

    if (llm_answer_usage(a, &usage, &raw) == LLM_OK) {
        llm_translate_usage(c->x, &usage);
    }
}


/* feeds a stream in pieces; how it ended */

static int
run_stream(case_t *c, const endpoint_t *e, unsigned aws, const char *data,
    size_t len, size_t piece)
{
    int                 rc;
    size_t              n, pos, used, eaten;
    llm_buf_t           event;
    llm_str_t           s, name;
    llm_sse_t           sse;
    llm_answer_t       *a;
    llm_eventstream_t   es;

    a = llm_answer_create(c->arena, &llm_ops[e->op],
                          aws ? LLM_ANSWER_EVENTSTREAM : LLM_ANSWER_SSE);

    llm_sse_init(&sse);
    llm_eventstream_init(&es);
    llm_buf_init(&event, c->arena);

    for (pos = 0; pos < len; pos += used) {
        n = len - pos < piece ? len - pos : piece;

        rc = aws ? llm_eventstream_next(&es, (unsigned char *) data + pos, n,
                                        &used, &s)
                 : llm_sse_next(&sse, (unsigned char *) data + pos, n, &used,
                                &s);

        for (n = 0; n < used; n += eaten) {
            llm_answer_feed(a, (unsigned char *) data + pos + n, used - n,
                            &eaten);
        }

        if (rc == LLM_SSE_DATA) {
            llm_buf_add(&event, s.data, s.len);

        } else if (rc == LLM_SSE_EVENT) {
            tell_usage(c, a);

            name = aws ? llm_eventstream_name(&es) : llm_sse_name(&sse);
            s.data = event.data;
            s.len = event.len;

            rc = llm_translate_event(c->x, &name, &s, &c->out);

            if (rc != LLM_OK) {
                return rc;
            }

            event.len = 0;
        }
    }

    return llm_translate_end(c->x, &c->out);
}


static void
check_calls(const char *what, const client_t *r, const cJSON *expect)
{
    int           i, n;
    cJSON        *got;
    const char   *id;
    const cJSON  *want, *calls;

    calls = cJSON_GetObjectItem(expect, "tool_calls");
    n = cJSON_GetArraySize(calls);

    is_int(r->ncalls, n, "%s: calls", what);

    for (i = 0; i < n && i < (int) r->ncalls; i++) {
        want = cJSON_GetArrayItem(calls, i);
        id = client_string(want, "id");
        got = cJSON_Parse(r->calls[i][1]);

        ok(strcmp(r->calls[i][0], client_string(want, "name")) == 0,
           "%s: name of call %d", what, i);
        ok(id[0] == '\0' || strcmp(r->ids[i], id) == 0,
           "%s: id of call %d", what, i);
        ok(got && cJSON_Compare(got, cJSON_GetObjectItem(want, "arguments"),
                                1), "%s: arguments of call %d", what, i);

        cJSON_Delete(got);
    }
}


static void
check_read(const char *what, const client_t *r, const cJSON *expect,
    unsigned chat)
{
    const char   *finish;
    const cJSON  *usage;

    ok(r->wrong[0] == '\0', "%s: grammar", what);

    if (r->wrong[0]) {
        printf("# %s\n", r->wrong);
    }

    ok(strcmp(r->text, client_string(expect, "text")) == 0, "%s: text", what);

    if (strcmp(r->text, client_string(expect, "text")) != 0) {
        printf("# got  \"%.300s\"\n# want \"%.300s\"\n", r->text,
               client_string(expect, "text"));
    }

    check_calls(what, r, expect);

    finish = client_string(expect, "finish_reason");
    ok(strcmp(r->finish, finish) == 0, "%s: finish", what);

    if (strcmp(r->finish, finish) != 0) {
        printf("# got \"%s\", want \"%s\"\n", r->finish, finish);
    }

    usage = cJSON_GetObjectItem(expect, "usage");

    if (cJSON_IsObject(usage)) {
        is_int(r->input, client_number(usage, "input_total"), "%s: input",
               what);
        is_int(r->cached, client_number(usage, "cache_read"),
               "%s: cache read", what);
        is_int(r->written, client_number(usage, "cache_write"),
               "%s: cache write", what);
        is_int(r->output, client_number(usage, "output_total"),
               "%s: output", what);

        if (chat) {
            is_int(r->reasoning, client_number(usage, "reasoning"),
                   "%s: reasoning", what);
        }
    }

    ok((r->thinking[0] != '\0') == (client_number(expect, "thinking_len") > 0),
       "%s: thinking", what);
}


static void
check_stream(const char *id, const endpoint_t *e, unsigned aws,
    const char *data, size_t len, const cJSON *expect)
{
    int        rc;
    char       what[1200];
    size_t     i;
    case_t     c, whole;
    client_t  *r;
    unsigned   chat, failed;

    static const size_t  pieces[] = { 1, 7 };

    failed = strstr(id, "midstream") != NULL;

    r = malloc(sizeof(client_t));

    for (chat = 0; chat < 2; chat++) {
        snprintf(what, sizeof(what), "%s to %s", id,
                 chat ? "chat" : "Messages");

        open_case(&whole, e, chat, 1);

        if (whole.x == NULL) {
            ok(0, "%s: no such dialect", what);
            case_close(&whole);
            continue;
        }

        rc = run_stream(&whole, e, aws, data, len, len);

        memset(r, 0, sizeof(client_t));

        if (failed) {
            is_int(rc, LLM_DECLINED, "%s: an error", what);
            llm_translate_break(whole.x, NULL, &whole.out);
            client_read_stream(r, &whole.out, chat);
            ok(r->wrong[0] == '\0', "%s: grammar", what);
            ok(r->error[0] != '\0' && !r->ended, "%s: it is told", what);

        } else {
            is_int(rc, LLM_OK, "%s: it ends", what);
            client_read_stream(r, &whole.out, chat);
            ok(r->ended, "%s: so does the client's", what);
            check_read(what, r, expect, chat);
        }

        for (i = 0; i < 2; i++) {
            open_case(&c, e, chat, 1);
            rc = run_stream(&c, e, aws, data, len, pieces[i]);

            if (rc == LLM_DECLINED) {
                llm_translate_break(c.x, NULL, &c.out);
            }

            ok(c.out.len == whole.out.len
               && memcmp(c.out.data, whole.out.data, c.out.len) == 0,
               "%s: the same in pieces of %zu", what, pieces[i]);
            case_close(&c);
        }

        case_close(&whole);
    }

    free(r);
}


/* cut anywhere, a stream never seems to have ended */

static void
check_cut(const char *id, const endpoint_t *e, unsigned aws, const char *data,
    size_t len)
{
    int       rc;
    size_t    i, step;
    case_t    c;
    unsigned  wrong;

    wrong = 0;
    step = 1 + len / 200;

    for (i = 0; i + 200 < len; i += step) {
        open_case(&c, e, 0, 1);
        rc = run_stream(&c, e, aws, data, i, i + 1);

        /* of Bedrock only usage may be missing */

        wrong += (rc == LLM_OK
                  && !(aws && memmem(data, i, "messageStop", 11)));
        case_close(&c);
    }

    is_int(wrong, 0, "%s: cut, it has no good end", id);
}


static void
check_whole(const char *id, const endpoint_t *e, const char *data, size_t len,
    const cJSON *expect)
{
    char           what[1200];
    size_t         used;
    case_t         c;
    client_t      *r;
    unsigned       chat;
    llm_str_t      s;
    llm_answer_t  *a;

    r = malloc(sizeof(client_t));

    for (chat = 0; chat < 2; chat++) {
        snprintf(what, sizeof(what), "%s to %s", id,
                 chat ? "chat" : "Messages");

        open_case(&c, e, chat, 0);

        if (c.x == NULL) {
            ok(0, "%s: no such dialect", what);
            case_close(&c);
            continue;
        }

        a = llm_answer_create(c.arena, &llm_ops[e->op], LLM_ANSWER_JSON);
        llm_answer_feed(a, (unsigned char *) data, len, &used);
        llm_answer_end(a);
        tell_usage(&c, a);

        s.data = (unsigned char *) data;
        s.len = len;

        memset(r, 0, sizeof(client_t));

        is_int(llm_translate_answer(c.x, &s, &c.out), LLM_OK,
               "%s: translated", what);

        client_read_whole(r, &c.out, chat);
        check_read(what, r, expect, chat);

        case_close(&c);
    }

    free(r);
}


static void
check(const char *id, const endpoint_t *e)
{
    char         *data, *meta;
    cJSON        *json;
    size_t        len;
    const cJSON  *expect;

    meta = slurp(id, "meta.json", &len);
    json = cJSON_Parse(meta);
    expect = cJSON_GetObjectItem(json, "expect");

    if (cJSON_IsObject(expect)) {

        if ((data = slurp(id, "response.json", &len)) != NULL) {
            check_whole(id, e, data, len, expect);
            free(data);

        } else if ((data = slurp(id, "response.sse", &len)) != NULL) {
            check_stream(id, e, 0, data, len, expect);
            check_cut(id, e, 0, data, len);
            free(data);

        } else if ((data = slurp(id, "response.eventstream", &len)) != NULL) {
            check_stream(id, e, 1, data, len, expect);
            check_cut(id, e, 1, data, len);
            free(data);
        }
    }

    cJSON_Delete(json);
    free(meta);
}


int
main(void)
{
    int                i, n;
    char               path[1024], id[1024], *end;
    struct dirent    **list;
    const endpoint_t  *e;

    fixtures = getenv("LLM_FIXTURES");

    if (fixtures == NULL) {
        fixtures = "../shared/fixtures";
    }

    snprintf(path, sizeof(path), "%s/%s", fixtures, endpoints[0].dir);

    n = scandir(path, &list, NULL, alphasort);

    if (n < 0) {
        printf("1..0 # SKIP no recorded answers in %s\n", fixtures);
        return 0;
    }

    plan(0);

    for (e = endpoints; e->dir; e++) {

        if (e != endpoints) {
            snprintf(path, sizeof(path), "%s/%s", fixtures, e->dir);
            n = scandir(path, &list, NULL, alphasort);
        }

        for (i = 0; i < n; i++) {
            end = strstr(list[i]->d_name, ".meta.json");

            if (end) {
                *end = '\0';
                snprintf(id, sizeof(id), "%s/%s", e->dir, list[i]->d_name);
                check(id, e);
            }

            free(list[i]);
        }

        if (n >= 0) {
            free(list);
        }
    }

    return unit_end();
}
