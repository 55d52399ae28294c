
/*
 * Strict readers of what clients get, by the grammar of each protocol, for
 * tests of translation.  They share nothing with the code that writes it: a
 * tree of cJSON and the rules, each broken one told by its words.
 */


#ifndef _GRAMMAR_H_INCLUDED_
#define _GRAMMAR_H_INCLUDED_


#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define GRAMMAR_MAX_CALLS  64


typedef struct {
    char       wrong[256];        /* the first rule that was broken, or "" */
    char      *text;              /* visible, of all blocks */
    char      *thinking;
    char      *refusal;
    int        ncalls;
    char      *names[GRAMMAR_MAX_CALLS];
    char      *arguments[GRAMMAR_MAX_CALLS];
    char       finish[64];        /* as the protocol has it */
    int        usage;             /* it was told */
    int64_t    input;             /* all of it */
    int64_t    cached;
    int64_t    output;            /* reasoning included */
    int64_t    reasoning;         /* -1: the protocol does not tell */
    int        error;             /* ended by an error */
    int        complete;          /* by the protocol's own end */
} told_t;


static inline void
wrong(told_t *t, const char *format, ...)
{
    va_list  args;

    if (t->wrong[0] == '\0') {
        va_start(args, format);
        vsnprintf(t->wrong, sizeof(t->wrong), format, args);
        va_end(args);
    }
}


static inline void
append(char **s, const char *add)
{
    size_t  len;

    len = *s ? strlen(*s) : 0;

    *s = realloc(*s, len + strlen(add) + 1);
    strcpy(*s + len, add);
}


static inline void
told_init(told_t *t)
{
    memset(t, 0, sizeof(told_t));

    append(&t->text, "");
    append(&t->thinking, "");
    append(&t->refusal, "");

    t->reasoning = -1;
}


static inline void
told_free(told_t *t)
{
    int  i;

    free(t->text);
    free(t->thinking);
    free(t->refusal);

    for (i = 0; i < t->ncalls; i++) {
        free(t->names[i]);
        free(t->arguments[i]);
    }
}


static inline void
told_call(told_t *t, const char *name)
{
    if (t->ncalls == GRAMMAR_MAX_CALLS) {
        wrong(t, "too many calls");
        return;
    }

    append(&t->names[t->ncalls], name);
    append(&t->arguments[t->ncalls], "");
    t->ncalls++;
}


#define get(o, name)  cJSON_GetObjectItemCaseSensitive(o, name)


static inline const char *
str(const cJSON *o, const char *name)
{
    const cJSON  *item;

    item = get(o, name);

    return cJSON_IsString(item) ? item->valuestring : NULL;
}


static inline int
is(const cJSON *o, const char *name, const char *value)
{
    const char  *s;

    s = str(o, name);

    return s && strcmp(s, value) == 0;
}


static inline int64_t
num(const cJSON *o, const char *name)
{
    const cJSON  *item;

    item = get(o, name);

    return cJSON_IsNumber(item) ? (int64_t) item->valuedouble : -1;
}


/*
 * The next event of a stream, whose lines end with eol: its name, or NULL,
 * and its data.  Both are cut out of the text at *p.  0: the text is over.
 */

static inline int
next_event(told_t *t, char **p, const char *eol, char **name, char **data)
{
    char    *line, *end;
    size_t   n;

    n = strlen(eol);
    *name = NULL;
    *data = NULL;

    for ( ;; ) {
        line = *p;

        if (*line == '\0') {

            if (*name || *data) {
                wrong(t, "an event without its blank line");
            }

            return 0;
        }

        end = strstr(line, eol);

        if (end == NULL) {
            wrong(t, "a line without its end: %.40s", line);
            return 0;
        }

        *end = '\0';
        *p = end + n;

        if (line == end) {

            if (*data) {
                return 1;
            }

            if (*name) {
                wrong(t, "an event without data");
            }

            continue;
        }

        if (strncmp(line, "data: ", 6) == 0) {

            if (*data) {
                wrong(t, "two lines of data");
            }

            *data = line + 6;

        } else if (strncmp(line, "event: ", 7) == 0) {
            *name = line + 7;

        } else if (line[0] != ':') {
            wrong(t, "a line of no kind: %.40s", line);
        }
    }
}


/* ---- chat completions */

static inline void
chat_usage(told_t *t, const cJSON *usage)
{
    const cJSON  *in, *out;

    if (!cJSON_IsObject(usage)) {
        return;
    }

    in = get(usage, "prompt_tokens_details");
    out = get(usage, "completion_tokens_details");

    t->usage = 1;
    t->input = num(usage, "prompt_tokens");
    t->output = num(usage, "completion_tokens");
    t->cached = num(in, "cached_tokens");
    t->reasoning = num(out, "reasoning_tokens");

    if (num(usage, "total_tokens") != t->input + t->output) {
        wrong(t, "the total is no sum");
    }
}


static inline void
chat_call(told_t *t, const cJSON *call)
{
    const cJSON  *function;

    function = get(call, "function");

    if (!is(call, "type", "function") || str(call, "id") == NULL
        || strlen(str(call, "id")) == 0 || str(function, "name") == NULL
        || str(function, "arguments") == NULL)
    {
        wrong(t, "a call without type, id, name or arguments");
        return;
    }

    told_call(t, str(function, "name"));
}


static inline void
chat_whole(told_t *t, const char *body)
{
    cJSON        *root;
    const cJSON  *choice, *message, *call, *content;

    root = cJSON_Parse(body);

    if (root == NULL) {
        wrong(t, "no JSON");
        return;
    }

    choice = cJSON_GetArrayItem(get(root, "choices"), 0);
    message = get(choice, "message");

    if (!is(root, "object", "chat.completion") || str(root, "id") == NULL
        || str(root, "model") == NULL || num(root, "created") < 0
        || cJSON_GetArraySize(get(root, "choices")) != 1
        || num(choice, "index") != 0 || !is(message, "role", "assistant")
        || str(choice, "finish_reason") == NULL)
    {
        wrong(t, "no chat completion");
    }

    content = get(message, "content");

    if (cJSON_IsString(content)) {
        append(&t->text, content->valuestring);

    } else if (!cJSON_IsNull(content)) {
        wrong(t, "content is neither a string nor null");
    }

    append(&t->thinking, str(message, "reasoning_content")
                         ? str(message, "reasoning_content") : "");
    append(&t->refusal, str(message, "refusal")
                        ? str(message, "refusal") : "");

    cJSON_ArrayForEach(call, get(message, "tool_calls")) {
        chat_call(t, call);

        if (t->wrong[0] == '\0') {
            append(&t->arguments[t->ncalls - 1],
                   str(get(call, "function"), "arguments"));
        }
    }

    snprintf(t->finish, sizeof(t->finish), "%s",
             str(choice, "finish_reason") ? str(choice, "finish_reason")
                                          : "");
    chat_usage(t, get(root, "usage"));
    t->complete = 1;

    cJSON_Delete(root);
}


static inline void
chat_delta(told_t *t, const cJSON *delta)
{
    int64_t       index;
    const cJSON  *call, *item;

    cJSON_ArrayForEach(item, delta) {

        if (strcmp(item->string, "content") == 0) {
            append(&t->text, item->valuestring);

        } else if (strcmp(item->string, "reasoning_content") == 0) {
            append(&t->thinking, item->valuestring);

        } else if (strcmp(item->string, "refusal") == 0) {
            append(&t->refusal, item->valuestring);
        }
    }

    cJSON_ArrayForEach(call, get(delta, "tool_calls")) {
        index = num(call, "index");

        if (index == t->ncalls) {
            chat_call(t, call);

        } else if (index < 0 || index != t->ncalls - 1) {
            wrong(t, "a call of index %d behind %d of them", (int) index,
                  t->ncalls);
            return;

        } else if (str(call, "id")) {
            wrong(t, "a call's id twice");
        }

        if (str(get(call, "function"), "arguments") && t->ncalls) {
            append(&t->arguments[t->ncalls - 1],
                   str(get(call, "function"), "arguments"));
        }
    }
}


static inline void
chat_stream(told_t *t, char *p)
{
    int           roles, finished, usage;
    char         *name, *data;
    char         *id;
    cJSON        *root;
    const cJSON  *choice, *delta;

    id = NULL;
    roles = 0;
    usage = 0;
    finished = 0;

    while (next_event(t, &p, "\n", &name, &data)) {

        if (name) {
            wrong(t, "a named event");
        }

        if (t->complete || t->error) {
            wrong(t, "something behind the end");
        }

        if (strcmp(data, "[DONE]") == 0) {
            t->complete = 1;

            if (!finished) {
                wrong(t, "an end without a finish");
            }

            continue;
        }

        root = cJSON_Parse(data);

        if (root == NULL) {
            wrong(t, "no JSON: %.40s", data);
            break;
        }

        if (cJSON_IsObject(get(root, "error"))) {
            t->error = 1;
            cJSON_Delete(root);
            continue;
        }

        if (!is(root, "object", "chat.completion.chunk")
            || str(root, "id") == NULL || str(root, "model") == NULL
            || num(root, "created") < 0
            || !cJSON_IsArray(get(root, "choices")))
        {
            wrong(t, "no chunk: %.60s", data);
            cJSON_Delete(root);
            break;
        }

        if (id == NULL) {
            append(&id, str(root, "id"));

        } else if (strcmp(id, str(root, "id")) != 0) {
            wrong(t, "another id");
        }

        choice = cJSON_GetArrayItem(get(root, "choices"), 0);

        if (choice == NULL) {

            if (!finished || usage) {
                wrong(t, "usage before the finish, or twice");
            }

            usage = 1;
            chat_usage(t, get(root, "usage"));
            cJSON_Delete(root);
            continue;
        }

        delta = get(choice, "delta");

        if (finished || num(choice, "index") != 0 || !cJSON_IsObject(delta)
            || cJSON_GetArraySize(get(root, "choices")) != 1)
        {
            wrong(t, "a choice behind the finish, or not the first");
        }

        if (str(delta, "role")) {

            if (roles++ || !is(delta, "role", "assistant")) {
                wrong(t, "a role that is not the first and only one");
            }

        } else if (!roles) {
            wrong(t, "a delta before the role");
        }

        chat_delta(t, delta);

        if (str(choice, "finish_reason")) {
            finished = 1;
            snprintf(t->finish, sizeof(t->finish), "%s",
                     str(choice, "finish_reason"));

        } else if (!cJSON_IsNull(get(choice, "finish_reason"))) {
            wrong(t, "finish_reason is neither a string nor null");
        }

        cJSON_Delete(root);
    }

    free(id);
}


/* ---- Responses */

static inline void
responses_item(told_t *t, const cJSON *item)
{
    const cJSON  *part;

    if (str(item, "id") == NULL || str(item, "type") == NULL) {
        wrong(t, "an item without id or type");
        return;
    }

    if (is(item, "type", "message")) {

        cJSON_ArrayForEach(part, get(item, "content")) {

            if (is(part, "type", "output_text")
                && cJSON_IsArray(get(part, "annotations")))
            {
                append(&t->text, str(part, "text"));

            } else if (is(part, "type", "refusal")) {
                append(&t->refusal, str(part, "refusal"));

            } else {
                wrong(t, "a part of no kind");
            }
        }

        if (!is(item, "role", "assistant")
            || !is(item, "status", "completed"))
        {
            wrong(t, "a message of no role or status");
        }

    } else if (is(item, "type", "reasoning")) {

        if (!cJSON_IsArray(get(item, "summary"))) {
            wrong(t, "reasoning without a summary");
        }

        cJSON_ArrayForEach(part, get(item, "summary")) {
            append(&t->thinking, str(part, "text"));
        }

        cJSON_ArrayForEach(part, get(item, "content")) {
            append(&t->thinking, str(part, "text"));
        }

    } else if (is(item, "type", "function_call")) {

        if (str(item, "call_id") == NULL || str(item, "name") == NULL
            || str(item, "arguments") == NULL)
        {
            wrong(t, "a call without id, name or arguments");
            return;
        }

        told_call(t, str(item, "name"));
        append(&t->arguments[t->ncalls - 1], str(item, "arguments"));

    } else if (!is(item, "type", "image_generation_call")) {
        wrong(t, "an item of type %s", str(item, "type"));
    }
}


static inline void
responses_object(told_t *t, const cJSON *r)
{
    const cJSON  *usage, *item;

    if (!is(r, "object", "response") || str(r, "id") == NULL
        || str(r, "model") == NULL || num(r, "created_at") < 0
        || !cJSON_IsArray(get(r, "output"))
        || !cJSON_IsBool(get(r, "parallel_tool_calls"))
        || get(r, "tool_choice") == NULL || !cJSON_IsArray(get(r, "tools"))
        || get(r, "error") == NULL || get(r, "incomplete_details") == NULL)
    {
        wrong(t, "no response object");
        return;
    }

    cJSON_ArrayForEach(item, get(r, "output")) {
        responses_item(t, item);
    }

    snprintf(t->finish, sizeof(t->finish), "%s", str(r, "status"));

    if (is(r, "status", "incomplete")) {
        snprintf(t->finish, sizeof(t->finish), "%s",
                 str(get(r, "incomplete_details"), "reason")
                 ? str(get(r, "incomplete_details"), "reason") : "?");
    }

    usage = get(r, "usage");

    if (cJSON_IsObject(usage)) {
        t->usage = 1;
        t->input = num(usage, "input_tokens");
        t->output = num(usage, "output_tokens");
        t->cached = num(get(usage, "input_tokens_details"),
                        "cached_tokens");
        t->reasoning = num(get(usage, "output_tokens_details"),
                           "reasoning_tokens");

        if (num(usage, "total_tokens") != t->input + t->output) {
            wrong(t, "the total is no sum");
        }
    }
}


static inline void
responses_whole(told_t *t, const char *body)
{
    cJSON  *root;

    root = cJSON_Parse(body);

    if (root == NULL) {
        wrong(t, "no JSON");
        return;
    }

    responses_object(t, root);
    t->complete = 1;

    cJSON_Delete(root);
}


/* the item that is open, and the part of it */

typedef struct {
    char    id[128];
    char    type[64];
    int     open;
    int     part;
    char   *text;
} responses_state_t;


static inline void
responses_text(responses_state_t *s)
{
    free(s->text);
    s->text = NULL;
    append(&s->text, "");
}


static inline void
responses_event(told_t *t, responses_state_t *s, cJSON *items,
    const char *type, const cJSON *e)
{
    int           call;
    const char   *end, *done;
    const cJSON  *item, *part;

    if (strcmp(type, "response.output_item.added") == 0) {
        item = get(e, "item");

        if (s->open || num(e, "output_index") != cJSON_GetArraySize(items)
            || str(item, "id") == NULL || str(item, "type") == NULL)
        {
            wrong(t, "an item that opens out of turn");
            return;
        }

        s->open = 1;
        s->part = 0;
        responses_text(s);
        snprintf(s->id, sizeof(s->id), "%s", str(item, "id"));
        snprintf(s->type, sizeof(s->type), "%s", str(item, "type"));
        return;
    }

    if (strcmp(type, "response.output_item.done") == 0) {
        item = get(e, "item");

        if (!s->open || s->part || !is(item, "id", s->id)
            || num(e, "output_index") != cJSON_GetArraySize(items))
        {
            wrong(t, "an item that closes out of turn");
        }

        s->open = 0;
        cJSON_AddItemToArray(items, cJSON_Duplicate(item, 1));
        return;
    }

    /* all others are about the open item */

    if (!s->open || !is(e, "item_id", s->id)
        || num(e, "output_index") != cJSON_GetArraySize(items))
    {
        wrong(t, "%s of an item that is not open", type);
        return;
    }

    end = strrchr(type, '.');

    if (strstr(type, "_part.")) {

        if (s->part != (strcmp(end, ".done") == 0)) {
            wrong(t, "%s out of turn", type);
        }

        s->part = !s->part;
        part = get(e, "part");

        if (str(part, "type") == NULL) {
            wrong(t, "a part without a type");
        }

        if (s->part) {
            responses_text(s);
        }

        return;
    }

    if (strstr(type, "annotation")) {
        return;
    }

    call = strstr(type, "function_call_arguments")
           || strstr(type, "custom_tool_call_input");

    if (!call && !s->part) {
        wrong(t, "%s outside of a part", type);
    }

    if (strcmp(end, ".delta") == 0) {
        append(&s->text, str(e, "delta") ? str(e, "delta") : "?");
        return;
    }

    done = str(e, "text") ? str(e, "text")
           : str(e, "refusal") ? str(e, "refusal")
           : str(e, "arguments") ? str(e, "arguments") : str(e, "input");

    if (done == NULL || strcmp(done, s->text) != 0) {
        wrong(t, "%s is not what its deltas were", type);
    }
}


static inline void
responses_stream(told_t *t, char *p)
{
    int                 n;
    char               *name, *data;
    cJSON              *root, *items;
    const cJSON        *r;
    responses_state_t   s;

    memset(&s, 0, sizeof(responses_state_t));

    items = cJSON_CreateArray();

    for (n = 0; next_event(t, &p, "\n", &name, &data); n++) {
        root = cJSON_Parse(data);

        if (root == NULL || name == NULL || !is(root, "type", name)) {
            wrong(t, "an event without its name: %.60s", data);
            cJSON_Delete(root);
            break;
        }

        if (num(root, "sequence_number") != n) {
            wrong(t, "sequence number %d of event %d",
                  (int) num(root, "sequence_number"), n);
        }

        if (t->complete) {
            wrong(t, "something behind the end");
        }

        r = get(root, "response");

        if (n < 2) {

            if (strcmp(name, n ? "response.in_progress"
                               : "response.created") != 0
                || !is(r, "status", "in_progress")
                || cJSON_GetArraySize(get(r, "output")) != 0)
            {
                wrong(t, "no proper beginning: %s", name);
            }

        } else if (strcmp(name, "error") == 0) {
            t->error = 1;

        } else if (strcmp(name, "response.completed") == 0
                   || strcmp(name, "response.incomplete") == 0
                   || strcmp(name, "response.failed") == 0)
        {
            t->complete = 1;

            if (!is(r, "status", name + 9)) {
                wrong(t, "a status that is not its event's");
            }

            if (strcmp(name, "response.failed") == 0) {

                if (!t->error || !cJSON_IsObject(get(r, "error"))) {
                    wrong(t, "a failure without an error");
                }

            } else if (s.open || !cJSON_Compare(get(r, "output"), items, 1)) {
                wrong(t, "the whole is not what was streamed");
            }

            responses_object(t, r);

        } else {
            responses_event(t, &s, items, name, root);
        }

        cJSON_Delete(root);
    }

    if (t->error && !t->complete) {
        wrong(t, "an error without a failure");
    }

    free(s.text);
    cJSON_Delete(items);
}


/* ---- Messages */

static inline void
messages_usage(told_t *t, const cJSON *usage)
{
    int64_t  read, made;

    read = num(usage, "cache_read_input_tokens");
    made = num(usage, "cache_creation_input_tokens");

    t->usage = 1;
    t->output = num(usage, "output_tokens");
    t->cached = read > 0 ? read : 0;
    t->input = num(usage, "input_tokens") + t->cached
               + (made > 0 ? made : 0);
}


static inline void
messages_block(told_t *t, const cJSON *block)
{
    char  *raw;

    if (is(block, "type", "text")) {
        append(&t->text, str(block, "text") ? str(block, "text") : "");

    } else if (is(block, "type", "thinking")) {

        if (str(block, "thinking") == NULL || str(block, "signature") == NULL)
        {
            wrong(t, "thinking without its text or signature");
            return;
        }

        append(&t->thinking, str(block, "thinking"));

    } else if (is(block, "type", "tool_use")) {

        if (str(block, "id") == NULL || str(block, "name") == NULL
            || !cJSON_IsObject(get(block, "input")))
        {
            wrong(t, "a call without id, name or input");
            return;
        }

        told_call(t, str(block, "name"));
        raw = cJSON_PrintUnformatted(get(block, "input"));
        append(&t->arguments[t->ncalls - 1], raw);
        free(raw);

    } else if (!is(block, "type", "redacted_thinking")) {
        wrong(t, "a block of type %s", str(block, "type"));
    }
}


static inline void
messages_whole(told_t *t, const char *body)
{
    cJSON        *root;
    const cJSON  *block;

    root = cJSON_Parse(body);

    if (root == NULL) {
        wrong(t, "no JSON");
        return;
    }

    if (!is(root, "type", "message") || !is(root, "role", "assistant")
        || str(root, "id") == NULL || str(root, "model") == NULL
        || !cJSON_IsArray(get(root, "content"))
        || str(root, "stop_reason") == NULL
        || get(root, "stop_sequence") == NULL
        || !cJSON_IsObject(get(root, "usage")))
    {
        wrong(t, "no message");
    }

    cJSON_ArrayForEach(block, get(root, "content")) {
        messages_block(t, block);
    }

    snprintf(t->finish, sizeof(t->finish), "%s",
             str(root, "stop_reason") ? str(root, "stop_reason") : "");
    messages_usage(t, get(root, "usage"));
    t->complete = 1;

    cJSON_Delete(root);
}


static inline void
messages_delta(told_t *t, const char *block, const cJSON *delta)
{
    if (is(delta, "type", "text_delta") && strcmp(block, "text") == 0) {
        append(&t->text, str(delta, "text"));

    } else if (is(delta, "type", "thinking_delta")
               && strcmp(block, "thinking") == 0)
    {
        append(&t->thinking, str(delta, "thinking"));

    } else if (is(delta, "type", "signature_delta")
               && strcmp(block, "thinking") == 0)
    {
        if (str(delta, "signature") == NULL) {
            wrong(t, "a signature that is none");
        }

    } else if (is(delta, "type", "input_json_delta")
               && strcmp(block, "tool_use") == 0)
    {
        append(&t->arguments[t->ncalls - 1], str(delta, "partial_json"));

    } else if (!is(delta, "type", "citations_delta")
               || strcmp(block, "text") != 0)
    {
        wrong(t, "%s of a block of type %s", str(delta, "type"), block);
    }
}


static inline void
messages_event(told_t *t, const char *name, const cJSON *e, char *block,
    size_t size, int *nblocks, int *state)
{
    const cJSON  *b;

    /* state: 0 before the start, 1 between blocks, 2 in one, 3 behind them */

    if (strcmp(name, "message_start") == 0) {
        b = get(e, "message");

        if (*state != 0 || !is(b, "type", "message") || str(b, "id") == NULL
            || cJSON_GetArraySize(get(b, "content")) != 0
            || !cJSON_IsObject(get(b, "usage")))
        {
            wrong(t, "no proper start");
        }

        *state = 1;

    } else if (strcmp(name, "ping") == 0) {

        if (*state == 0) {
            wrong(t, "a ping before the start");
        }

    } else if (strcmp(name, "content_block_start") == 0) {
        b = get(e, "content_block");

        if (*state != 1 || num(e, "index") != (*nblocks)++
            || str(b, "type") == NULL)
        {
            wrong(t, "a block that opens out of turn");
            return;
        }

        snprintf(block, size, "%s", str(b, "type"));
        *state = 2;

        if (is(b, "type", "tool_use")) {

            if (str(b, "id") == NULL || str(b, "name") == NULL
                || cJSON_GetArraySize(get(b, "input")) != 0)
            {
                wrong(t, "a call without id or name");
                return;
            }

            told_call(t, str(b, "name"));

        } else {
            messages_block(t, b);
        }

    } else if (strcmp(name, "content_block_delta") == 0) {

        if (*state != 2 || num(e, "index") != *nblocks - 1) {
            wrong(t, "a delta of a block that is not open");
            return;
        }

        messages_delta(t, block, get(e, "delta"));

    } else if (strcmp(name, "content_block_stop") == 0) {

        if (*state != 2 || num(e, "index") != *nblocks - 1) {
            wrong(t, "a stop of a block that is not open");
        }

        *state = 1;

    } else if (strcmp(name, "message_delta") == 0) {

        if (*state != 1 || str(get(e, "delta"), "stop_reason") == NULL) {
            wrong(t, "a stop reason out of turn");
            return;
        }

        snprintf(t->finish, sizeof(t->finish), "%s",
                 str(get(e, "delta"), "stop_reason"));
        messages_usage(t, get(e, "usage"));
        *state = 3;

    } else if (strcmp(name, "message_stop") == 0) {

        if (*state != 3) {
            wrong(t, "an end out of turn");
        }

        t->complete = 1;

    } else if (strcmp(name, "error") == 0) {

        if (!cJSON_IsObject(get(e, "error"))) {
            wrong(t, "an error that is none");
        }

        t->error = 1;

    } else {
        wrong(t, "an event %s", name);
    }
}


static inline void
messages_stream(told_t *t, char *p)
{
    int     state, nblocks;
    char   *name, *data, block[64];
    cJSON  *root;

    state = 0;
    nblocks = 0;
    block[0] = '\0';

    while (next_event(t, &p, "\n", &name, &data)) {
        root = cJSON_Parse(data);

        if (root == NULL || name == NULL || !is(root, "type", name)) {
            wrong(t, "an event without its name: %.60s", data);
            cJSON_Delete(root);
            break;
        }

        if (t->complete || t->error) {
            wrong(t, "something behind the end");
        }

        messages_event(t, name, root, block, sizeof(block), &nblocks,
                       &state);
        cJSON_Delete(root);
    }
}


/* ---- Gemini */

static inline void
generate_object(told_t *t, const cJSON *root)
{
    int64_t       thoughts;
    char         *raw;
    const cJSON  *candidate, *part, *call, *usage;

    if (cJSON_IsObject(get(root, "error"))) {
        t->error = 1;
        return;
    }

    if (t->finish[0]) {
        wrong(t, "a chunk behind the finish");
    }

    candidate = cJSON_GetArrayItem(get(root, "candidates"), 0);

    if (candidate == NULL || str(root, "responseId") == NULL
        || str(root, "modelVersion") == NULL)
    {
        wrong(t, "no candidate, id or model");
        return;
    }

    cJSON_ArrayForEach(part, get(get(candidate, "content"), "parts")) {

        call = get(part, "functionCall");

        if (call) {

            if (str(call, "name") == NULL
                || !cJSON_IsObject(get(call, "args")))
            {
                wrong(t, "a call without name or args");
                return;
            }

            told_call(t, str(call, "name"));
            raw = cJSON_PrintUnformatted(get(call, "args"));
            append(&t->arguments[t->ncalls - 1], raw);
            free(raw);

        } else if (str(part, "text")) {
            append(cJSON_IsTrue(get(part, "thought")) ? &t->thinking
                                                      : &t->text,
                   str(part, "text"));

        } else if (get(part, "inlineData") == NULL
                   && get(part, "thoughtSignature") == NULL)
        {
            wrong(t, "a part of no kind");
        }
    }

    if (get(candidate, "content")
        && !is(get(candidate, "content"), "role", "model"))
    {
        wrong(t, "content of no role");
    }

    if (str(candidate, "finishReason")) {
        snprintf(t->finish, sizeof(t->finish), "%s",
                 str(candidate, "finishReason"));
    }

    usage = get(root, "usageMetadata");

    if (usage) {
        thoughts = num(usage, "thoughtsTokenCount");

        t->usage = 1;
        t->input = num(usage, "promptTokenCount");
        t->cached = num(usage, "cachedContentTokenCount");
        t->cached = t->cached < 0 ? 0 : t->cached;
        t->reasoning = thoughts < 0 ? 0 : thoughts;
        t->output = num(usage, "candidatesTokenCount") + t->reasoning;
    }
}


static inline void
generate_whole(told_t *t, const char *body)
{
    cJSON  *root;

    root = cJSON_Parse(body);

    if (root == NULL) {
        wrong(t, "no JSON");
        return;
    }

    generate_object(t, root);
    t->complete = t->finish[0] != '\0';

    cJSON_Delete(root);
}


static inline void
generate_stream(told_t *t, char *p)
{
    char   *name, *data;
    cJSON  *root;

    while (next_event(t, &p, "\r\n", &name, &data)) {
        root = cJSON_Parse(data);

        if (root == NULL || name) {
            wrong(t, "no JSON, or a name: %.60s", data);
            cJSON_Delete(root);
            break;
        }

        if (t->error) {
            wrong(t, "something behind the end");
        }

        generate_object(t, root);
        cJSON_Delete(root);
    }

    t->complete = t->finish[0] != '\0' && !t->error;
}


static inline void
generate_array(told_t *t, const char *body)
{
    cJSON        *root;
    const cJSON  *element;

    root = cJSON_Parse(body);

    if (!cJSON_IsArray(root)) {
        wrong(t, "no array");
        cJSON_Delete(root);
        return;
    }

    cJSON_ArrayForEach(element, root) {
        generate_object(t, element);
    }

    t->complete = t->finish[0] != '\0' && !t->error;

    cJSON_Delete(root);
}


#endif /* _GRAMMAR_H_INCLUDED_ */
