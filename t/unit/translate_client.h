
/*
 * Strict clients of Anthropic's protocol and of chat completions: they read
 * what was translated for them, as SDKs do, and hold it to its grammar.
 */


#ifndef _TRANSLATE_CLIENT_H_INCLUDED_
#define _TRANSLATE_CLIENT_H_INCLUDED_


#include "llm_base.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>


#define CLIENT_MAX_CALLS   32
#define CLIENT_MAX_BLOCKS  256
#define CLIENT_MAX_TEXT    (1024 * 1024)


typedef struct {
    char             text[CLIENT_MAX_TEXT];
    char             thinking[CLIENT_MAX_TEXT];
    size_t           signatures;   /* bytes of them */
    char             calls[CLIENT_MAX_CALLS][2][16 * 1024];    /* name, JSON */
    char             ids[CLIENT_MAX_CALLS][256];
    unsigned         ncalls;
    char             finish[64];   /* as chat completions name it */
    char             error[1024];
    int64_t          input;
    int64_t          cached;
    int64_t          written;
    int64_t          output;
    int64_t          reasoning;
    char             wrong[256];   /* what broke the grammar, or empty */

    /* of the stream */

    unsigned         started:1;
    unsigned         role:1;
    unsigned         stopped:1;
    unsigned         ended:1;
    int              next;         /* index of the next block */
    int              open;         /* index of the open block, -1 */
    char             kind[32];     /* its type */
} client_t;


#define client_wrong(c, ...)                                                  \
    do {                                                                      \
        if ((c)->wrong[0] == '\0') {                                          \
            snprintf((c)->wrong, sizeof((c)->wrong), __VA_ARGS__);            \
        }                                                                     \
    } while (0)


static inline const char *
client_string(const cJSON *object, const char *name)
{
    const cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}


static inline int64_t
client_number(const cJSON *object, const char *name)
{
    const cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? (int64_t) item->valuedouble : 0;
}


static inline void
client_append(char *to, size_t size, const char *text)
{
    size_t  len;

    len = strlen(to);
    snprintf(to + len, size - len, "%s", text);
}


static inline void
client_call(client_t *c, const char *id, const char *name,
    const char *arguments)
{
    if (c->ncalls == CLIENT_MAX_CALLS) {
        client_wrong(c, "too many calls");
        return;
    }

    snprintf(c->ids[c->ncalls], sizeof(c->ids[0]), "%s", id);
    snprintf(c->calls[c->ncalls][0], sizeof(c->calls[0][0]), "%s", name);
    snprintf(c->calls[c->ncalls][1], sizeof(c->calls[0][1]), "%s", arguments);

    c->ncalls++;
}


/* ---- Anthropic */

static inline void
client_messages_stop(client_t *c, const char *reason)
{
    static const char  *names[][2] = {
        { "end_turn", "stop" }, { "stop_sequence", "stop" },
        { "pause_turn", "stop" }, { "max_tokens", "length" },
        { "tool_use", "tool_calls" }, { "refusal", "content_filter" }
    };
    size_t  i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i][0], reason) == 0) {
            snprintf(c->finish, sizeof(c->finish), "%s", names[i][1]);
            return;
        }
    }

    client_wrong(c, "stop_reason \"%s\"", reason);
}


static inline void
client_messages_usage(client_t *c, const cJSON *usage)
{
    c->cached = client_number(usage, "cache_read_input_tokens");
    c->written = client_number(usage, "cache_creation_input_tokens");
    c->input = client_number(usage, "input_tokens") + c->cached + c->written;
    c->output = client_number(usage, "output_tokens");
}


static inline void
client_messages_whole(client_t *c, const cJSON *m)
{
    char         *text;
    const char   *type;
    const cJSON  *block;

    if (strcmp(client_string(m, "type"), "message") != 0
        || strncmp(client_string(m, "id"), "msg_", 4) != 0
        || strcmp(client_string(m, "role"), "assistant") != 0
        || client_string(m, "model")[0] == '\0'
        || !cJSON_IsArray(cJSON_GetObjectItem(m, "content")))
    {
        client_wrong(c, "it is no message");
    }

    cJSON_ArrayForEach(block, cJSON_GetObjectItem(m, "content")) {
        type = client_string(block, "type");

        if (strcmp(type, "text") == 0) {
            client_append(c->text, CLIENT_MAX_TEXT,
                          client_string(block, "text"));

        } else if (strcmp(type, "thinking") == 0) {
            client_append(c->thinking, CLIENT_MAX_TEXT,
                          client_string(block, "thinking"));
            c->signatures += strlen(client_string(block, "signature"));

        } else if (strcmp(type, "redacted_thinking") == 0) {
            c->signatures += strlen(client_string(block, "data"));

        } else if (strcmp(type, "tool_use") == 0) {
            text = cJSON_PrintUnformatted(cJSON_GetObjectItem(block,
                                                              "input"));
            client_call(c, client_string(block, "id"),
                        client_string(block, "name"), text);
            free(text);

        } else {
            client_wrong(c, "a block of type \"%s\"", type);
        }
    }

    client_messages_stop(c, client_string(m, "stop_reason"));
    client_messages_usage(c, cJSON_GetObjectItem(m, "usage"));
}


static inline void
client_messages_open(client_t *c, const cJSON *e)
{
    const cJSON  *block;

    block = cJSON_GetObjectItem(e, "content_block");

    if (!c->started || c->stopped || c->open >= 0
        || client_number(e, "index") != c->next)
    {
        client_wrong(c, "block %d opens out of turn",
                     (int) client_number(e, "index"));
    }

    c->open = c->next++;
    snprintf(c->kind, sizeof(c->kind), "%s", client_string(block, "type"));

    if (strcmp(c->kind, "tool_use") == 0) {

        if (!cJSON_IsObject(cJSON_GetObjectItem(block, "input"))) {
            client_wrong(c, "a tool without input");
        }

        client_call(c, client_string(block, "id"),
                    client_string(block, "name"), "");

    } else if (strcmp(c->kind, "redacted_thinking") == 0) {
        c->signatures += strlen(client_string(block, "data"));

    } else if (strcmp(c->kind, "text") != 0
               && strcmp(c->kind, "thinking") != 0)
    {
        client_wrong(c, "a block of type \"%s\"", c->kind);
    }
}


static inline void
client_messages_delta(client_t *c, const cJSON *e)
{
    const char   *type;
    const cJSON  *delta;

    static const char  *pairs[][2] = {
        { "text_delta", "text" }, { "thinking_delta", "thinking" },
        { "signature_delta", "thinking" }, { "input_json_delta", "tool_use" }
    };
    size_t  i;

    delta = cJSON_GetObjectItem(e, "delta");
    type = client_string(delta, "type");

    if (c->open < 0 || client_number(e, "index") != c->open) {
        client_wrong(c, "a delta of a block that is not open");
        return;
    }

    for (i = 0; i < 4; i++) {
        if (strcmp(pairs[i][0], type) == 0
            && strcmp(pairs[i][1], c->kind) == 0)
        {
            break;
        }
    }

    switch (i) {
    case 0:
        client_append(c->text, CLIENT_MAX_TEXT,
                      client_string(delta, "text"));
        break;
    case 1:
        client_append(c->thinking, CLIENT_MAX_TEXT,
                      client_string(delta, "thinking"));
        break;
    case 2:
        c->signatures += strlen(client_string(delta, "signature"));
        break;
    case 3:
        client_append(c->calls[c->ncalls - 1][1], sizeof(c->calls[0][1]),
                      client_string(delta, "partial_json"));
        break;
    default:
        client_wrong(c, "\"%s\" in a block of type \"%s\"", type, c->kind);
    }
}


static inline void
client_messages_event(client_t *c, const char *name, const cJSON *e)
{
    if (strcmp(name, client_string(e, "type")) != 0) {
        client_wrong(c, "event \"%s\" of type \"%s\"", name,
                     client_string(e, "type"));
    }

    if (c->ended || c->error[0]) {
        client_wrong(c, "\"%s\" behind the end", name);
    }

    if (strcmp(name, "message_start") == 0) {

        if (c->started) {
            client_wrong(c, "two starts");
        }

        c->started = 1;
        c->open = -1;

        if (strncmp(client_string(cJSON_GetObjectItem(e, "message"), "id"),
                    "msg_", 4) != 0)
        {
            client_wrong(c, "no id");
        }

    } else if (strcmp(name, "content_block_start") == 0) {
        client_messages_open(c, e);

    } else if (strcmp(name, "content_block_delta") == 0) {
        client_messages_delta(c, e);

    } else if (strcmp(name, "content_block_stop") == 0) {

        if (c->open < 0 || client_number(e, "index") != c->open) {
            client_wrong(c, "a block closes that is not open");
        }

        c->open = -1;

    } else if (strcmp(name, "message_delta") == 0) {

        if (c->open >= 0 || c->stopped) {
            client_wrong(c, "message_delta out of turn");
        }

        c->stopped = 1;
        client_messages_stop(c, client_string(cJSON_GetObjectItem(e, "delta"),
                                              "stop_reason"));
        client_messages_usage(c, cJSON_GetObjectItem(e, "usage"));

    } else if (strcmp(name, "message_stop") == 0) {

        if (!c->stopped) {
            client_wrong(c, "message_stop without message_delta");
        }

        c->ended = 1;

    } else if (strcmp(name, "error") == 0) {
        snprintf(c->error, sizeof(c->error), "%s",
                 client_string(cJSON_GetObjectItem(e, "error"), "message"));

    } else if (strcmp(name, "ping") != 0) {
        client_wrong(c, "event \"%s\"", name);
    }
}


/* ---- chat completions */

static inline void
client_chat_usage(client_t *c, const cJSON *usage)
{
    const cJSON  *input, *output;

    if (!cJSON_IsObject(usage)) {
        return;
    }

    input = cJSON_GetObjectItem(usage, "prompt_tokens_details");
    output = cJSON_GetObjectItem(usage, "completion_tokens_details");

    c->input = client_number(usage, "prompt_tokens");
    c->cached = client_number(input, "cached_tokens");
    c->written = client_number(input, "cache_write_tokens");
    c->output = client_number(usage, "completion_tokens");
    c->reasoning = client_number(output, "reasoning_tokens");
}


static inline void
client_chat_whole(client_t *c, const cJSON *m)
{
    const cJSON  *choice, *message, *call, *function;

    choice = cJSON_GetArrayItem(cJSON_GetObjectItem(m, "choices"), 0);
    message = cJSON_GetObjectItem(choice, "message");

    if (strcmp(client_string(m, "object"), "chat.completion") != 0
        || strcmp(client_string(message, "role"), "assistant") != 0)
    {
        client_wrong(c, "it is no completion");
    }

    client_append(c->text, CLIENT_MAX_TEXT, client_string(message,
                                                          "content"));
    client_append(c->thinking, CLIENT_MAX_TEXT,
                  client_string(message, "reasoning_content"));

    cJSON_ArrayForEach(call, cJSON_GetObjectItem(message, "tool_calls")) {
        function = cJSON_GetObjectItem(call, "function");
        client_call(c, client_string(call, "id"),
                    client_string(function, "name"),
                    client_string(function, "arguments"));
    }

    snprintf(c->finish, sizeof(c->finish), "%s",
             client_string(choice, "finish_reason"));

    client_chat_usage(c, cJSON_GetObjectItem(m, "usage"));
}


static inline void
client_chat_call(client_t *c, const cJSON *call)
{
    int           index;
    const cJSON  *function;

    function = cJSON_GetObjectItem(call, "function");
    index = (int) client_number(call, "index");

    if (index == (int) c->ncalls) {
        client_call(c, client_string(call, "id"),
                    client_string(function, "name"), "");

        if (client_string(call, "id")[0] == '\0'
            || client_string(function, "name")[0] == '\0')
        {
            client_wrong(c, "a call without id or name");
        }

    } else if (index < 0 || index > (int) c->ncalls) {
        client_wrong(c, "a call of index %d", index);
        return;
    }

    client_append(c->calls[index][1], sizeof(c->calls[0][1]),
                  client_string(function, "arguments"));
}


static inline void
client_chat_chunk(client_t *c, const cJSON *e)
{
    const cJSON  *choice, *delta, *call;

    if (c->ended || c->error[0]) {
        client_wrong(c, "a chunk behind the end");
    }

    if (cJSON_GetObjectItem(e, "error")) {
        snprintf(c->error, sizeof(c->error), "%s",
                 client_string(cJSON_GetObjectItem(e, "error"), "message"));
        return;
    }

    client_chat_usage(c, cJSON_GetObjectItem(e, "usage"));

    choice = cJSON_GetArrayItem(cJSON_GetObjectItem(e, "choices"), 0);
    delta = cJSON_GetObjectItem(choice, "delta");

    if (choice == NULL) {
        return;
    }

    if (c->stopped) {
        client_wrong(c, "a choice behind its finish");
    }

    if (cJSON_GetObjectItem(delta, "role")) {

        if (c->role) {
            client_wrong(c, "two roles");
        }

        c->role = 1;

    } else if (!c->role) {
        client_wrong(c, "no role at first");
    }

    client_append(c->text, CLIENT_MAX_TEXT, client_string(delta, "content"));
    client_append(c->thinking, CLIENT_MAX_TEXT,
                  client_string(delta, "reasoning_content"));

    cJSON_ArrayForEach(call, cJSON_GetObjectItem(delta, "tool_calls")) {
        client_chat_call(c, call);
    }

    if (client_string(choice, "finish_reason")[0]) {
        c->stopped = 1;
        snprintf(c->finish, sizeof(c->finish), "%s",
                 client_string(choice, "finish_reason"));
    }
}


/* a whole stream of either */

static inline void
client_read_stream(client_t *c, const llm_buf_t *out, unsigned chat)
{
    char   *text, *line, *data, *end, name[64];
    cJSON  *json;

    c->open = -1;
    name[0] = '\0';
    data = NULL;

    text = malloc(out->len + 1);

    if (out->len) {
        memcpy(text, out->data, out->len);
    }

    text[out->len] = '\0';

    for (line = text; *line; line = end + 1) {
        end = strchr(line, '\n');

        if (end == NULL) {
            client_wrong(c, "a line without its end");
            break;
        }

        *end = '\0';

        if (strncmp(line, "event: ", 7) == 0) {
            snprintf(name, sizeof(name), "%s", line + 7);
            continue;
        }

        if (strncmp(line, "data: ", 6) == 0) {

            if (data) {
                client_wrong(c, "two lines of data");
            }

            data = line + 6;
            continue;
        }

        if (*line && *line != ':') {
            client_wrong(c, "a line \"%.40s\"", line);
        }

        if (*line || data == NULL) {
            continue;
        }

        if (chat && strcmp(data, "[DONE]") == 0) {

            if (!c->stopped || c->ended) {
                client_wrong(c, "[DONE] out of turn");
            }

            c->ended = 1;
            data = NULL;
            continue;
        }

        json = cJSON_Parse(data);

        if (json == NULL) {
            client_wrong(c, "no JSON: %.80s", data);

        } else if (chat) {
            client_chat_chunk(c, json);

        } else {
            client_messages_event(c, name, json);
        }

        cJSON_Delete(json);
        data = NULL;
        name[0] = '\0';
    }

    free(text);
}


static inline void
client_read_whole(client_t *c, const llm_buf_t *out, unsigned chat)
{
    cJSON  *json;

    json = cJSON_ParseWithLength((char *) out->data, out->len);

    if (json == NULL) {
        client_wrong(c, "no JSON");

    } else if (chat) {
        client_chat_whole(c, json);

    } else {
        client_messages_whole(c, json);
    }

    cJSON_Delete(json);
}


#endif /* _TRANSLATE_CLIENT_H_INCLUDED_ */
