
/*
 * Recorded answers of many providers, through each client's protocol: what a
 * strict reader of that protocol gets is what the collector of the recordings
 * read by other means.  LLM_FIXTURES names their directory; without one the
 * test is skipped.
 */


#include "unit.h"
#include "grammar.h"
#include "llm_answer.h"
#include "llm_dialect.h"
#include "llm_eventstream.h"
#include "llm_failure.h"
#include "llm_quirk.h"
#include "llm_sse.h"

#include <dirent.h>


#define MAX_FILE  (1024 * 1024)
#define CUTS      40         /* LLM_CUTS says another number, 0: each byte */


/* what speaks which protocol */

typedef struct {
    const char      *dir;
    llm_op_e         unary;
    llm_op_e         stream;
    llm_dialect_e    dialect;
} source_t;

static const source_t  sources[] = {
    { "chat", LLM_OP_CHAT, LLM_OP_CHAT, LLM_DIALECT_CHAT },
    { "openai-compat", LLM_OP_CHAT, LLM_OP_CHAT, LLM_DIALECT_CHAT },
    { "responses", LLM_OP_RESPONSES, LLM_OP_RESPONSES,
      LLM_DIALECT_RESPONSES },
    { "mantle-responses", LLM_OP_RESPONSES, LLM_OP_RESPONSES,
      LLM_DIALECT_RESPONSES },
    { "messages", LLM_OP_MESSAGES, LLM_OP_MESSAGES, LLM_DIALECT_MESSAGES },
    { "generateContent", LLM_OP_GENERATE, LLM_OP_GENERATE,
      LLM_DIALECT_GENERATE },
    { "streamGenerateContent", LLM_OP_GENERATE_STREAM,
      LLM_OP_GENERATE_STREAM, LLM_DIALECT_GENERATE },
    { "converse", LLM_OP_CONVERSE, LLM_OP_CONVERSE_STREAM,
      LLM_DIALECT_CONVERSE },
    { "invoke", LLM_OP_INVOKE, LLM_OP_INVOKE_STREAM, LLM_DIALECT_MESSAGES },
    { NULL, 0, 0, 0 }
};


/* who asks, and in which words */

typedef struct {
    const char      *name;
    llm_op_e         unary;
    llm_op_e         stream;
    unsigned         array;
    const char      *body;
    const char      *streamed;      /* what makes it a stream */
    void           (*whole)(told_t *t, const char *body);
    void           (*events)(told_t *t, char *body);
    unsigned         done;          /* of the counts: translated */
    unsigned         errors;
} client_t;


static void
array_events(told_t *t, char *body)
{
    generate_array(t, body);
}


static client_t  clients[] = {
    { "chat", LLM_OP_CHAT, LLM_OP_CHAT, 0,
      "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
      ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"x\"}}]",
      ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
      chat_whole, chat_stream, 0, 0 },
    { "responses", LLM_OP_RESPONSES, LLM_OP_RESPONSES, 0,
      "{\"model\":\"m\",\n\"input\":\"hi\",\"reasoning\":{\"summary\":"
      "\"auto\"}", ",\"stream\":true}", responses_whole, responses_stream, 0,
      0 },
    { "responses, raw", LLM_OP_RESPONSES, LLM_OP_RESPONSES, 0,
      "{\"model\":\"m\",\"input\":\"hi\"", ",\"stream\":true}",
      responses_whole, responses_stream, 0, 0 },
    { "messages", LLM_OP_MESSAGES, LLM_OP_MESSAGES, 0,
      "{\"model\":\"m\",\"max_tokens\":4000,\"messages\":[{\"role\":\"user\","
      "\"content\":\"hi\"}]", ",\"stream\":true}", messages_whole,
      messages_stream, 0, 0 },
    { "gemini", LLM_OP_GENERATE, LLM_OP_GENERATE_STREAM, 0,
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],"
      "\"generationConfig\":{\"thinkingConfig\":{\"includeThoughts\":true}}",
      "}", generate_whole, generate_stream, 0, 0 },
    { "gemini, array", LLM_OP_GENERATE, LLM_OP_GENERATE_STREAM, 1,
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],"
      "\"generationConfig\":{\"thinkingConfig\":{\"includeThoughts\":true}}",
      "}", generate_whole, array_events, 0, 0 }
};

#define NCLIENTS  (sizeof(clients) / sizeof(clients[0]))


/* quirks that their answers need */

typedef struct {
    const char      *provider;
    uint64_t         quirks;
} provider_t;

static const provider_t  providers[] = {
    { "openrouter", LLM_QUIRK(OPENROUTER) },
    { "mistral", LLM_QUIRK(MISTRAL) },
    { "vertex", LLM_QUIRK(VERTEX) },
    { NULL, 0 }
};


/* a recording */

typedef struct {
    const char      *id;
    const source_t  *source;
    const cJSON     *meta;
    const char      *data;
    size_t           len;
    llm_answer_e     kind;
    uint64_t         quirks;
    int              quiet;
} recording_t;


/* one translation of it */

typedef struct {
    llm_arena_t           *arena;
    llm_form_t            *form;
    llm_to_t               to;
    llm_translate_conf_t   conf;
    llm_translate_t       *x;
    llm_answer_t          *answer;
    llm_buf_t              data;        /* of the event at hand */
    llm_buf_t              out;
    llm_usage_t            usage;
    int                    has_usage;
    int                    rc;
} run_t;


static char      *fixtures;
static unsigned   pieces[] = { 1, 7, 0 };


static char *
slurp(const char *path, size_t *len)
{
    FILE  *f;
    char  *data;

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


/* 0: no such protocol is translated yet */

static int
run_open(run_t *run, const recording_t *r, const client_t *client)
{
    char         body[1024];
    llm_str_t    s;
    llm_buf_t    request;
    unsigned     stream;
    llm_json_e   type;
    llm_error_t  err;

    memset(run, 0, sizeof(run_t));
    memset(&err, 0, sizeof(llm_error_t));

    stream = r->kind != LLM_ANSWER_JSON;

    snprintf(body, sizeof(body), "%s%s", client->body,
             stream ? client->streamed : "}");

    run->arena = llm_arena_create(256 * 1024 * 1024);
    llm_buf_init(&run->data, run->arena);
    llm_buf_init(&run->out, run->arena);
    llm_buf_init(&request, run->arena);

    llm_str_dup(run->arena, &s, body, strlen(body));

    if (llm_translate_read(run->arena,
                           &llm_ops[stream ? client->stream : client->unary],
                           &s, &run->form, &err) != LLM_OK)
    {
        return 0;
    }

    run->to.dialect = r->source->dialect;
    run->to.quirks = r->quirks;
    run->to.model = unit_str("upstream-model");
    run->to.max_output = -1;

    run->conf.id = unit_str("00112233445566778899aabbccddeeff");
    run->conf.model = unit_str("asked-model");
    run->conf.created = 1700000000;
    run->conf.array = client->array && stream;

    run->x = llm_translate_create(run->arena, run->form, &run->to,
                                  &run->conf);
    if (run->x == NULL) {
        return 0;
    }

    if (r->quiet) {
        llm_translate_request(run->x, &request, &err);
        run->answer = llm_answer_create(run->arena,
                                        &llm_ops[r->source->stream],
                                        r->kind);
        return 1;
    }

    is_int(llm_translate_request(run->x, &request, &err), LLM_OK,
           "%s, %s: the request", r->id, client->name);

    s.data = request.data;
    s.len = request.len;

    is_int(llm_form_check(run->arena, &s, &type), LLM_OK,
           "%s, %s: is JSON", r->id, client->name);

    run->answer = llm_answer_create(run->arena,
                                    &llm_ops[stream ? r->source->stream
                                                    : r->source->unary],
                                    r->kind);

    return 1;
}


static void
run_usage(run_t *run)
{
    llm_str_t  raw;

    if (llm_answer_usage(run->answer, &run->usage, &raw) == LLM_OK) {
        run->has_usage = 1;
        llm_translate_usage(run->x, &run->usage);
    }
}


/* an event is over: its bytes are with the usage reader by now */

static void
run_event(run_t *run, const llm_str_t *name)
{
    llm_str_t  data;

    run_usage(run);

    data.data = run->data.data;
    data.len = run->data.len;

    if (run->rc == LLM_OK) {
        run->rc = llm_translate_event(run->x, name, &data, &run->out);
    }

    run->data.len = 0;
}


static void
run_feed(run_t *run, const unsigned char *data, size_t len)
{
    size_t  used;

    while (len) {
        llm_answer_feed(run->answer, data, len, &used);
        data += used;
        len -= used;
    }
}


static void
run_stream(run_t *run, const recording_t *r, size_t piece)
{
    int                 rc;
    char               *copy;
    size_t              pos, n, at, used;
    llm_str_t           part, name;
    llm_sse_t           sse;
    llm_array_t         array;
    llm_eventstream_t   aws;

    llm_sse_init(&sse);
    llm_array_init(&array);
    llm_eventstream_init(&aws);

    for (pos = 0; pos < r->len; pos += n) {
        n = (piece && r->len - pos > piece) ? piece : r->len - pos;

        copy = malloc(n);
        memcpy(copy, r->data + pos, n);

        for (at = 0; at < n; at += used) {

            switch (r->kind) {

            case LLM_ANSWER_SSE:
                rc = llm_sse_next(&sse, (unsigned char *) copy + at, n - at,
                                  &used, &part);
                name = llm_sse_name(&sse);
                break;

            case LLM_ANSWER_ARRAY:
                rc = llm_array_next(&array, (unsigned char *) copy + at,
                                    n - at, &used, &part);
                name = unit_str("");
                break;

            default:
                rc = llm_eventstream_next(&aws, (unsigned char *) copy + at,
                                          n - at, &used, &part);
                name = llm_eventstream_name(&aws);
            }

            run_feed(run, (unsigned char *) copy + at, used);

            if (rc == LLM_SSE_DATA) {
                llm_buf_add(&run->data, part.data, part.len);

            } else if (rc == LLM_SSE_EVENT) {
                run_event(run, &name);

            } else if (rc != LLM_AGAIN) {
                run->rc = rc;
                used = n - at;
            }
        }

        memset(copy, 'x', n);
        free(copy);
    }

    llm_answer_end(run->answer);

    if (run->data.len) {
        name = llm_sse_name(&sse);
        run_event(run, &name);
    }

    run_usage(run);

    if (run->rc == LLM_OK) {
        run->rc = llm_translate_end(run->x, &run->out);
    }
}


static void
run_whole(run_t *run, const recording_t *r)
{
    llm_str_t  body;

    run_feed(run, (const unsigned char *) r->data, r->len);
    llm_answer_end(run->answer);
    run_usage(run);

    llm_str_dup(run->arena, &body, r->data, r->len);

    run->rc = llm_translate_answer(run->x, &body, &run->out);
}


/* what a client's protocol calls a finish */

static const char *
finish_of(const client_t *client, const char *finish)
{
    unsigned  i, column;

    static const char  *words[][4] = {
        { "stop", "completed", "end_turn", "STOP" },
        { "length", "max_output_tokens", "max_tokens", "MAX_TOKENS" },
        { "tool_calls", "completed", "tool_use", "STOP" },
        { "content_filter", "content_filter", "refusal", "SAFETY" }
    };

    column = (client->whole == responses_whole) ? 1
             : (client->whole == messages_whole) ? 2
             : (client->whole == generate_whole) ? 3 : 0;

    for (i = 0; i < 4; i++) {

        if (strcmp(words[i][0], finish) == 0) {
            return words[i][column];
        }
    }

    return finish;
}


static void
check_calls(const char *where, const cJSON *expect, const told_t *t)
{
    int           i;
    cJSON        *got;
    const cJSON  *call, *calls;

    calls = get(expect, "tool_calls");

    is_int(t->ncalls, cJSON_GetArraySize(calls), "%s: calls", where);

    if (t->ncalls != cJSON_GetArraySize(calls)) {
        return;
    }

    for (i = 0; i < t->ncalls; i++) {
        call = cJSON_GetArrayItem(calls, i);

        ok(is(call, "name", t->names[i]), "%s: call %d's name", where, i);

        got = cJSON_Parse(t->arguments[i]);
        ok(got && cJSON_Compare(got, get(call, "arguments"), 1),
           "%s: call %d's arguments", where, i);

        if (!got || !cJSON_Compare(got, get(call, "arguments"), 1)) {
            printf("# got %s\n", t->arguments[i]);
        }

        cJSON_Delete(got);
    }
}


static void
check_told(const recording_t *r, const client_t *client, const run_t *run,
    const told_t *t)
{
    char          where[512];
    const char   *text, *finish, *want;
    const cJSON  *expect;

    snprintf(where, sizeof(where), "%s, %s", r->id, client->name);

    expect = get(r->meta, "expect");
    text = str(expect, "text");
    finish = str(expect, "finish_reason");

    ok(t->wrong[0] == '\0', "%s: grammar", where);

    if (t->wrong[0]) {
        printf("# %s\n", t->wrong);
    }

    ok(t->complete, "%s: complete", where);

    if (text) {

        /* words of a refusal are text in some protocols, and not in others */

        ok(strcmp(text, t->text) == 0
           || (t->refusal[0] && strcmp(text, t->refusal) == 0)
           || (text[0] == '\0' && strcmp(finish ? finish : "",
                                         "content_filter") == 0)
           || (text[0] == '\0' && strstr(r->id, "refusal")),
           "%s: text", where);

        if (strcmp(text, t->text) != 0) {
            printf("# want %.200s\n# got  %.200s\n", text, t->text);
        }
    }

    check_calls(where, expect, t);

    if (num(expect, "thinking_len") > 0) {
        ok(t->thinking[0], "%s: thinking", where);
    }

    if (finish) {
        want = finish_of(client, finish);

        /* a refusal that OpenAI calls an answer is more in other words */

        if (strstr(r->id, "refusal") && strcmp(finish, "stop") == 0
            && (client->whole == messages_whole
                || client->whole == generate_whole))
        {
            want = finish_of(client, "content_filter");
        }

        ok(strcmp(t->finish, want) == 0
           || (strcmp(finish, "content_filter") == 0 && t->refusal[0]
               && strcmp(t->finish, "completed") == 0)
           || (strcmp(t->finish, "stop_sequence") == 0
               && strcmp(finish, "stop") == 0),
           "%s: finish", where);

        if (strcmp(t->finish, want) != 0) {
            printf("# want %s, got %s\n", want, t->finish);
        }
    }

    if (run->has_usage) {
        ok(t->usage, "%s: usage", where);
        is_int(t->input, llm_usage_input(&run->usage), "%s: input", where);
        is_int(t->output, llm_usage_output(&run->usage), "%s: output",
               where);
        is_int(t->cached, run->usage.units[LLM_USAGE_CACHE_READ],
               "%s: cached", where);

        if (t->reasoning >= 0) {
            is_int(t->reasoning, run->usage.units[LLM_USAGE_REASONING],
                   "%s: reasoning", where);
        }
    }
}


static void
check_failed(const recording_t *r, const client_t *client, run_t *run)
{
    char    *body;
    told_t   t;

    ok(run->rc == LLM_DECLINED || run->rc == LLM_INVALID,
       "%s, %s: its error is seen", r->id, client->name);
    ok(llm_translate_fault(run->x) != NULL, "%s, %s: and told", r->id,
       client->name);

    llm_translate_break(run->x, NULL, &run->out);

    body = malloc(run->out.len + 1);
    llm_buf_add(&run->out, "", 1);
    memcpy(body, run->out.data, run->out.len--);

    told_init(&t);
    client->events(&t, body);

    ok(t.error, "%s, %s: the client gets an error", r->id, client->name);
    ok(t.wrong[0] == '\0', "%s, %s: by the grammar", r->id, client->name);

    if (t.wrong[0]) {
        printf("# %s\n", t.wrong);
    }

    told_free(&t);
    free(body);
}


/* the recording ends by an error */

static int
failed(const recording_t *r)
{
    return strstr(r->id, "midstream") != NULL
           || strstr(r->id, "error-without-data") != NULL
           || cJSON_IsObject(get(get(r->meta, "expect"), "midstream_error"));
}


static void
check_answer(const recording_t *r, client_t *client)
{
    char     *body, *first;
    size_t    i, len;
    run_t     run;
    told_t    t;

    len = 0;
    first = NULL;

    for (i = 0; i < 3; i++) {

        if (!run_open(&run, r, client)) {
            llm_arena_free(run.arena);
            break;
        }

        if (r->kind == LLM_ANSWER_JSON) {
            run_whole(&run, r);

        } else {
            run_stream(&run, r, pieces[i]);
        }

        if (failed(r)) {
            check_failed(r, client, &run);
            llm_arena_free(run.arena);
            client->done++;
            break;
        }

        is_int(run.rc, LLM_OK, "%s, %s: is translated", r->id,
               client->name);

        body = malloc(run.out.len + 1);
        llm_buf_add(&run.out, "", 1);
        memcpy(body, run.out.data, run.out.len--);

        if (i == 0) {
            len = run.out.len;
            first = malloc(len + 1);
            memcpy(first, body, len + 1);

            told_init(&t);

            if (r->kind == LLM_ANSWER_JSON) {
                client->whole(&t, body);

            } else {
                client->events(&t, body);
            }

            check_told(r, client, &run, &t);
            told_free(&t);
            client->done++;

        } else {
            ok(run.out.len == len && memcmp(first, run.out.data, len) == 0,
               "%s, %s: the same in pieces of %u", r->id, client->name,
               pieces[i]);
        }

        free(body);
        llm_arena_free(run.arena);

        if (r->kind == LLM_ANSWER_JSON) {
            break;
        }
    }

    free(first);
}


/*
 * A stream that is cut is told to be, or what is missing says nothing: what
 * the client has by then is a beginning of the whole.
 */

static void
check_cuts(const recording_t *r, const client_t *client)
{
    int           i, cuts;
    char         *body, *n, why[512];
    run_t         run;
    told_t        t, whole;
    recording_t   cut;
    llm_error_t   err;

    why[0] = '\0';
    told_init(&whole);

    n = getenv("LLM_CUTS");
    cuts = n ? atoi(n) : CUTS;

    if (cuts == 0) {
        cuts = (int) r->len;
    }

    memset(&err, 0, sizeof(llm_error_t));
    err.code = LLM_ERROR_UPSTREAM_ERROR;
    err.message = unit_str("cut");

    for (i = 0; i <= cuts; i++) {
        cut = *r;
        cut.quiet = 1;
        cut.len = r->len * (size_t) (cuts - i) / (size_t) cuts;

        if (!run_open(&run, &cut, client)) {
            llm_arena_free(run.arena);
            break;
        }

        run_stream(&run, &cut, 0);

        if (run.rc != LLM_OK) {
            llm_translate_break(run.x, llm_translate_fault(run.x) ? NULL
                                                                  : &err,
                                &run.out);
        }

        llm_buf_add(&run.out, "", 1);

        body = malloc(run.out.len);
        memcpy(body, run.out.data, run.out.len);

        told_init(&t);
        client->events(&t, body);

        if (t.wrong[0]) {
            snprintf(why, sizeof(why), "%d: %s", (int) cut.len, t.wrong);

        } else if (!t.error && (!t.complete || run.rc != LLM_OK)) {
            snprintf(why, sizeof(why), "%d: no end", (int) cut.len);

        } else if (i && strncmp(whole.text, t.text, strlen(t.text)) != 0) {
            snprintf(why, sizeof(why), "%d: %.60s", (int) cut.len, t.text);

        } else if (i && !t.error

                   /* some that were recorded end more than once */

                   && r->source->dialect != LLM_DIALECT_GENERATE
                   && (strcmp(whole.text, t.text) != 0
                       || whole.ncalls != t.ncalls))
        {
            snprintf(why, sizeof(why), "%d: a part as a whole",
                     (int) cut.len);
        }

        if (i == 0) {
            append(&whole.text, t.text);
            whole.ncalls = 0;

            for ( /* void */ ; whole.ncalls < t.ncalls; /* void */ ) {
                told_call(&whole, t.names[whole.ncalls]);
            }
        }

        told_free(&t);
        free(body);
        llm_arena_free(run.arena);
    }

    told_free(&whole);

    ok(why[0] == '\0', "%s, %s: cut anywhere", r->id, client->name);

    if (why[0]) {
        printf("# %s\n", why);
    }
}


/* what an SDK tries again is what the ladder may try again, and no more */

static void
check_error(const recording_t *r, client_t *client, int status)
{
    int             retried, want;
    llm_str_t       body, none, id;
    llm_buf_t       out;
    cJSON          *root;
    llm_arena_t    *arena;
    const cJSON    *error;
    llm_fault_t     fault;
    llm_failure_t   failure;

    arena = llm_arena_create(16 * 1024 * 1024);
    llm_buf_init(&out, arena);

    llm_str_dup(arena, &body, r->data, r->len);
    none = unit_str("");
    id = unit_str("0011");

    is_int(llm_fault_read(arena, r->source->dialect, status, &none, &body,
                          &fault), LLM_OK, "%s: is read", r->id);
    ok(fault.message.len > 0, "%s: has a message", r->id);

    llm_fault_print(&llm_ops[client->unary], &fault, &id, &out);
    llm_buf_add(&out, "", 1);

    root = cJSON_Parse((char *) out.data);
    error = get(root, "error");

    ok(str(error, "message"), "%s, %s: says something", r->id, client->name);
    ok(strchr(str(error, "message") ? str(error, "message") : "", '<')
       != str(error, "message"), "%s, %s: no page", r->id, client->name);

    llm_failure_read((unsigned) status, &body, &failure);

    retried = fault.status == 408 || fault.status == 409
              || fault.status == 429 || fault.status >= 500;
    want = failure.kind != LLM_FAILURE_CALLER
           && failure.kind != LLM_FAILURE_CONTEXT
           && !(failure.spent && client->unary == LLM_OP_MESSAGES);

    ok(retried == want || (status == 424 && retried), "%s, %s: status %d",
       r->id, client->name, fault.status);

    if (client->whole == messages_whole) {
        ok(is(root, "type", "error") && str(error, "type"),
           "%s, %s: its shape", r->id, client->name);

    } else if (client->whole == generate_whole) {
        ok(num(error, "code") == fault.status && str(error, "status"),
           "%s, %s: its shape", r->id, client->name);

    } else {
        ok(str(error, "type") && get(error, "param") && get(error, "code"),
           "%s, %s: its shape", r->id, client->name);
    }

    client->errors++;

    cJSON_Delete(root);
    llm_arena_free(arena);
}


static void
check(const source_t *source, const char *provider, const char *id,
    const cJSON *meta)
{
    int                  status;
    char                 path[1024];
    char                *data;
    size_t               i;
    recording_t          r;
    const provider_t    *p;

    static const struct {
        const char    *end;
        llm_answer_e   kind;
    } files[] = {
        { "json", LLM_ANSWER_JSON },
        { "sse", LLM_ANSWER_SSE },
        { "eventstream", LLM_ANSWER_EVENTSTREAM }
    };

    memset(&r, 0, sizeof(recording_t));

    r.id = id;
    r.source = source;
    r.meta = meta;

    data = NULL;

    for (i = 0; i < 3 && data == NULL; i++) {
        snprintf(path, sizeof(path), "%s/%s.response.%s", fixtures, id,
                 files[i].end);
        data = slurp(path, &r.len);
        r.kind = files[i].kind;
    }

    if (data == NULL) {
        return;
    }

    r.data = data;

    if (strstr(id, "/streamarray")) {
        r.kind = LLM_ANSWER_ARRAY;
    }

    for (p = providers; p->provider; p++) {

        if (strcmp(p->provider, provider) == 0) {
            r.quirks = p->quirks;
        }
    }

    if (strcmp(source->dir, "invoke") == 0) {
        r.quirks |= LLM_QUIRK(BEDROCK);
    }

    status = (int) num(meta, "status");

    for (i = 0; i < NCLIENTS; i++) {

        if (strstr(id, "/error") && status >= 300) {
            check_error(&r, &clients[i], status);

        } else if (source->dialect == LLM_DIALECT_MESSAGES
                   && clients[i].unary == LLM_OP_MESSAGES)
        {
            /* passed as it is: the reader is stricter than the protocol */
            continue;

        } else if (cJSON_IsObject(get(meta, "expect"))) {
            check_answer(&r, &clients[i]);

            if (r.kind != LLM_ANSWER_JSON && !failed(&r)) {
                check_cuts(&r, &clients[i]);
            }
        }
    }

    free(data);
}


static void
walk(const char *provider, const source_t *source)
{
    int              i, n;
    char             path[1024], id[512];
    char            *text, *end;
    cJSON           *meta;
    size_t           len;
    struct dirent  **list;

    snprintf(path, sizeof(path), "%s/%s/%s", fixtures, provider,
             source->dir);

    n = scandir(path, &list, NULL, alphasort);

    for (i = 0; i < n; i++) {
        end = strstr(list[i]->d_name, ".meta.json");

        if (end) {
            snprintf(path, sizeof(path), "%s/%s/%s/%s", fixtures, provider,
                     source->dir, list[i]->d_name);
            *end = '\0';
            snprintf(id, sizeof(id), "%s/%s/%s", provider, source->dir,
                     list[i]->d_name);

            text = slurp(path, &len);
            meta = cJSON_Parse(text);

            check(source, provider, id, meta);

            cJSON_Delete(meta);
            free(text);
        }

        free(list[i]);
    }

    if (n >= 0) {
        free(list);
    }
}


int
main(void)
{
    int               n;
    size_t            i;
    unsigned          counts[NCLIENTS], errors;
    struct dirent   **list;
    const source_t   *source;

    fixtures = getenv("LLM_FIXTURES");

    if (fixtures == NULL) {
        fixtures = "../shared/fixtures";
    }

    n = scandir(fixtures, &list, NULL, alphasort);

    if (n < 0) {
        printf("1..0 # SKIP no recorded answers in %s\n", fixtures);
        return 0;
    }

    plan(0);

    for (source = sources; source->dir; source++) {

        for (i = 0; i < NCLIENTS; i++) {
            counts[i] = clients[i].done;
        }

        errors = clients[0].errors;

        for (i = 0; i < (size_t) n; i++) {

            if (list[i]->d_name[0] != '.') {
                walk(list[i]->d_name, source);
            }
        }

        printf("# %-22s", source->dir);

        for (i = 0; i < NCLIENTS; i++) {
            printf("  %s %u", clients[i].name, clients[i].done - counts[i]);
        }

        printf(", errors %u\n", clients[0].errors - errors);
    }

    for (i = 0; i < (size_t) n; i++) {
        free(list[i]);
    }

    free(list);

    return unit_end();
}
