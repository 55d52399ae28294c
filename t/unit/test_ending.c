
/*
 * Ends of streams by length: what each protocol's clients expect, whatever
 * was open.  Texts are read with cJSON, which knows nothing of the printer.
 */


#include "unit.h"
#include "llm_ending.h"

#include <cjson/cJSON.h>


static llm_arena_t  *arena;


static llm_ending_t *
start(llm_op_e op, int64_t answers, unsigned usage, unsigned array)
{
    llm_ending_conf_t  conf;

    memset(&conf, 0, sizeof(llm_ending_conf_t));

    conf.op = &llm_ops[op];
    conf.answers = answers;
    conf.usage = usage;
    conf.array = array;

    return llm_ending_create(arena, &conf);
}


/* is_str() has a variable of that function's name */

static llm_str_t
text_of(const char *s)
{
    return unit_str(s);
}


/* the end behind the last of these events, or NULL: there is none yet */

static char *
end_of(llm_ending_t *e, const char **events)
{
    int          rc;
    llm_buf_t    out;
    llm_str_t    data;
    llm_usage_t  usage;

    memset(&usage, 0, sizeof(llm_usage_t));
    llm_usage_set(&usage, LLM_USAGE_INPUT, 5);
    llm_usage_set(&usage, LLM_USAGE_OUTPUT, 7);

    llm_buf_init(&out, arena);
    data = unit_str("");

    for ( /* void */ ; *events; events++) {

        data = unit_str(*events);

        if (llm_ending_follows(e)) {
            llm_ending_event(e, &data);
        }
    }

    rc = llm_ending_print(e, &data, &usage, &out);

    if (rc != LLM_OK) {
        is_int(rc, LLM_AGAIN, "not here");
        is_int(out.len, 0, "and nothing is told");
        return NULL;
    }

    llm_buf_add(&out, "", 1);

    return (char *) out.data;
}

#define END(e, ...)  end_of(e, (const char *[]) { __VA_ARGS__, NULL })


/* the n-th event's data, parsed; to be deleted */

static cJSON *
event(const char *text, unsigned n)
{
    for (text = strstr(text, "data: "); text; text = strstr(text, "data: ")) {

        text += sizeof("data: ") - 1;

        if (n-- == 0) {
            return cJSON_ParseWithOpts(text, &text, 0);
        }
    }

    return NULL;
}


static void
says(const char *text, const char *what)
{
    ok(text && strstr(text, what), "it has %s", what);

    if (text && strstr(text, what) == NULL) {
        printf("# %s\n", text);
    }
}


static void
test_chat(void)
{
    char          *end;
    cJSON         *json;
    llm_ending_t  *e;

    e = start(LLM_OP_CHAT, 1, 0, 0);
    ok(!llm_ending_follows(e), "one answer needs its last event alone");

    end = END(e, "{\"id\":\"c\",\"object\":\"chat.completion.chunk\","
                 "\"created\":3,\"model\":\"m\",\"choices\":[{\"index\":0,"
                 "\"delta\":{\"content\":\"x\"}}]}");
    is_str(text_of(end),
           "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\","
           "\"created\":3,\"model\":\"m\",\"choices\":[{\"index\":0,"
           "\"delta\":{},\"finish_reason\":\"length\"}]}\n\n"
           "data: [DONE]\n\n", "a chunk and the mark");

    ok(END(e, "{\"choices\":[],\"usage\":{}}") == NULL, "usage comes last");

    e = start(LLM_OP_CHAT, 1, 0, 0);
    ok(END(e, "{\"choices\":[{\"finish_reason\":\"stop\"}]}") == NULL,
       "the provider ends it itself");

    e = start(LLM_OP_CHAT, 3, 1, 0);
    ok(llm_ending_follows(e), "of several answers some may have ended");

    end = END(e, "{\"choices\":[{\"index\":1,\"finish_reason\":\"stop\"}]}",
                 "{\"choices\":[{\"index\":2,\"delta\":{}}]}");

    json = event(end, 0);
    says(end, "\"index\":0");
    ok(json && strstr(end, "\"index\":1") == NULL, "one has ended");
    says(end, "\"index\":2");
    cJSON_Delete(json);

    json = event(end, 2);
    is_int(cJSON_GetArraySize(cJSON_GetObjectItem(json, "choices")), 0,
           "usage is of no choice");
    says(end, "\"total_tokens\":12");
    cJSON_Delete(json);

    e = start(LLM_OP_COMPLETIONS, 1, 0, 0);
    says(END(e, "{\"choices\":[{\"text\":\"x\"}]}"),
         "\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"length\"");

    ok(start(LLM_OP_EMBEDDINGS, 1, 0, 0) == NULL, "no stream, no end");
}


static void
test_messages(void)
{
    char          *end;
    llm_ending_t  *e;

    e = start(LLM_OP_MESSAGES, 1, 0, 0);

    end = END(e, "{\"type\":\"content_block_delta\",\"index\":4,"
                 "\"delta\":{}}");
    says(end, "event: content_block_stop\ndata: "
              "{\"type\":\"content_block_stop\",\"index\":4}\n\n");
    says(end, "\"stop_reason\":\"max_tokens\"");
    says(end, "\"output_tokens\":7");
    says(end, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");

    end = END(e, "{\"type\":\"content_block_stop\",\"index\":4}");
    ok(end && strstr(end, "content_block_stop") == NULL, "none is open");
    says(end, "message_stop");

    ok(END(e, "{\"type\":\"ping\"}") == NULL, "a ping tells nothing");
    ok(END(e, "{\"type\":\"message_delta\"}") == NULL, "it is ending");
    ok(END(e, "{\"type\":\"content_block_delta\"}") == NULL, "which one");
}


static void
test_generate(void)
{
    char          *end;
    llm_ending_t  *e;

    e = start(LLM_OP_GENERATE_STREAM, 1, 0, 0);
    end = END(e, "{\"candidates\":[{\"content\":{}}],\"responseId\":\"r\"}");
    says(end, "\"finishReason\":\"MAX_TOKENS\",\"index\":0}]");
    says(end, "\"responseId\":\"r\"}\r\n\r\n");
    says(end, "\"candidatesTokenCount\":7");

    e = start(LLM_OP_GENERATE_STREAM, 2, 0, 1);
    end = END(e, "{\"candidates\":[{\"index\":0,\"finishReason\":\"STOP\"}]}",
                 "{\"candidates\":[{\"index\":1}]}");
    ok(end && memcmp(end, ",\r\n{", 4) == 0
       && strcmp(end + strlen(end) - 2, "}]") == 0, "the array is closed");
    ok(end && strstr(end, "\"index\":0") == NULL, "one has ended");
    says(end, "\"index\":1");
}


#define CREATED                                                               \
    "{\"type\":\"response.created\",\"sequence_number\":0,\"response\":"      \
    "{\"id\":\"resp_1\",\"status\":\"in_progress\",\"output\":[],"            \
    "\"tools\":[]}}"


/* every event of an end must be JSON */

static void
parses(const char *end)
{
    cJSON     *json;
    unsigned   n;

    for (n = 0; end && (json = event(end, n)) != NULL; n++) {
        cJSON_Delete(json);
    }

    ok(end && strstr(end, "response.incomplete") && n >= 1, "it has events");

    /* as many as there are */

    for ( /* void */ ; end && n; n--) {
        end = strstr(end, "data: ") + 1;
    }

    ok(end && strstr(end, "data: ") == NULL, "each is JSON");
}


static void
test_responses_odd(void)
{
    char          *end;
    llm_ending_t  *e;

    /* reasoning that is no summary */

    e = start(LLM_OP_RESPONSES, 1, 0, 0);
    end = END(e, CREATED,
        "{\"type\":\"response.output_item.added\",\"output_index\":0,"
        "\"item\":{\"id\":\"r\",\"type\":\"reasoning\",\"summary\":[],"
        "\"content\":[]}}",
        "{\"type\":\"response.content_part.added\",\"content_index\":0,"
        "\"part\":{\"type\":\"reasoning_text\",\"text\":\"\"}}",
        "{\"type\":\"response.reasoning_text.delta\",\"delta\":\"so\"}");

    parses(end);
    says(end, "response.reasoning_text.done");
    says(end, "\"summary\":[]");
    says(end, "\"content\":[{\"type\":\"reasoning_text\",\"text\":\"so\"}]");

    /* what came whole stays */

    e = start(LLM_OP_RESPONSES, 1, 0, 0);
    end = END(e, CREATED,
        "{\"type\":\"response.output_item.added\",\"output_index\":0,"
        "\"item\":{\"id\":\"f\",\"type\":\"function_call\","
        "\"arguments\":\"{}\",\"name\":\"f\"}}");

    parses(end);
    says(end, "\"arguments\":\"{}\"");

    /* what nobody told is null */

    e = start(LLM_OP_RESPONSES, 1, 0, 0);
    end = END(e, CREATED,
        "{\"type\":\"response.output_item.added\","
        "\"item\":{\"type\":\"message\",\"content\":[]}}",
        "{\"type\":\"response.reasoning_part.added\","
        "\"part\":{\"type\":\"text\",\"text\":\"\"}}",
        "{\"type\":\"response.output_text.delta\",\"delta\":\"a\"}");

    parses(end);
    says(end, "\"item_id\":null,\"output_index\":null,"
              "\"content_index\":null");
}


static void
test_responses(void)
{
    char          *end;
    cJSON         *json, *response, *item;
    llm_ending_t  *e;

    e = start(LLM_OP_RESPONSES, 1, 0, 0);
    ok(llm_ending_follows(e), "the end repeats what was said");

    end = END(e, CREATED,
        "{\"type\":\"response.output_item.added\",\"output_index\":0,"
        "\"item\":{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[]}}",
        "{\"type\":\"response.output_item.done\",\"output_index\":0,"
        "\"item\":{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[]}}",
        "{\"type\":\"response.output_item.added\",\"output_index\":1,"
        "\"item\":{\"id\":\"fc_1\",\"type\":\"function_call\","
        "\"status\":\"in_progress\",\"arguments\":\"\",\"name\":\"f\"}}",
        "{\"type\":\"response.function_call_arguments.delta\","
        "\"delta\":\"{\\\"a\\ud83d\"}",
        "{\"type\":\"response.function_call_arguments.delta\","
        "\"sequence_number\":9,\"delta\":\"\\ude00\\\": \"}");

    json = event(end, 0);
    is_int(cJSON_GetNumberValue(cJSON_GetObjectItem(json, "sequence_number")),
           10, "numbers go on");
    item = cJSON_GetObjectItem(json, "item");
    is_str(text_of(cJSON_GetStringValue(
                        cJSON_GetObjectItem(item, "status"))),
           "incomplete", "the open item");
    cJSON_Delete(json);

    says(end, "\"arguments\":\"{\\\"a\\ud83d\\ude00\\\": \"");

    json = event(end, 1);
    response = cJSON_GetObjectItem(json, "response");
    is_int(cJSON_GetArraySize(cJSON_GetObjectItem(response, "output")), 2,
           "both items");
    is_str(text_of(cJSON_GetStringValue(
                        cJSON_GetObjectItem(response, "id"))),
           "resp_1", "of the response");
    ok(cJSON_GetObjectItem(response, "tools") != NULL, "as it was told");
    cJSON_Delete(json);

    says(end, "\"reason\":\"max_output_tokens\"");
    says(end, "\"total_tokens\":12");

    e = start(LLM_OP_RESPONSES, 1, 0, 0);
    end = END(e, CREATED,
        "{\"type\":\"response.output_item.added\",\"output_index\":0,"
        "\"item\":{\"id\":\"m\",\"type\":\"message\",\"content\":[]}}",
        "{\"type\":\"response.content_part.added\",\"content_index\":0,"
        "\"part\":{\"type\":\"output_text\",\"text\":\"\"}}",
        "{\"type\":\"response.output_text.delta\",\"delta\":\"a\"}",
        "{\"type\":\"response.content_part.done\",\"content_index\":0,"
        "\"part\":{\"type\":\"output_text\",\"text\":\"a\"}}",
        "{\"type\":\"response.content_part.added\",\"content_index\":1,"
        "\"part\":{\"type\":\"refusal\",\"refusal\":\"\"}}",
        "{\"type\":\"response.refusal.delta\",\"delta\":\"no\"}");

    says(end, "{\"type\":\"response.refusal.done\"");
    says(end, "\"content\":[{\"type\":\"output_text\",\"text\":\"a\"},"
              "{\"type\":\"refusal\",\"refusal\":\"no\"}]");

    e = start(LLM_OP_RESPONSES, 1, 0, 0);
    end = END(e, CREATED,
        "{\"type\":\"response.output_item.added\",\"output_index\":0,"
        "\"item\":{\"id\":\"r\",\"type\":\"reasoning\",\"summary\":[]}}",
        "{\"type\":\"response.reasoning_summary_part.added\","
        "\"summary_index\":0,\"part\":{\"type\":\"summary_text\","
        "\"text\":\"\"}}",
        "{\"type\":\"response.reasoning_summary_text.delta\","
        "\"delta\":\"so\"}");

    says(end, "response.reasoning_summary_part.done");
    says(end, "\"summary\":[{\"type\":\"summary_text\",\"text\":\"so\"}]");

    /* one that was too long to keep ends all the same */

    e = start(LLM_OP_RESPONSES, 1, 0, 0);
    end = END(e, "{\"type\":\"response.output_text.delta\",\"delta\":\"a\"}");

    says(end, "response.incomplete");
    says(end, "\"response\":{\"status\":\"incomplete\"");

    ok(END(e, CREATED, "{\"type\":\"response.completed\",\"response\":{}}")
       == NULL, "it ends by itself");
}


/* what is kept of an answer has an end */

static void
test_long(void)
{
    char          *end, *text;
    size_t         n;
    llm_str_t      data;
    llm_ending_t  *e;

    text = malloc(70000);
    n = (size_t) sprintf(text, "{\"type\":\"response.output_text.delta\","
                               "\"delta\":\"");
    memset(text + n, 'x', 65536);
    strcpy(text + n + 65536, "\"}");

    e = start(LLM_OP_RESPONSES, 1, 0, 0);

    data = unit_str(CREATED);
    llm_ending_event(e, &data);

    data = unit_str(text);

    for (n = 0; n < 40; n++) {
        llm_ending_event(e, &data);
    }

    end = END(e, text);
    says(end, "\"output\":[]");
    ok(end && strlen(end) < 65536, "it is not repeated");

    free(text);
}


int
main(void)
{
    plan(0);

    arena = llm_arena_create(64 * 1024 * 1024);

    test_chat();
    test_messages();
    test_generate();
    test_responses();
    test_responses_odd();
    test_long();

    llm_arena_free(arena);

    return unit_end();
}
