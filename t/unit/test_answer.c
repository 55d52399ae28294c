
/*
 * Answers of all protocols: events, ids, ends, errors and usage, with the
 * same result however the bytes are cut.
 */


#include "unit.h"
#include "answer_story.h"


#define JSON    LLM_ANSWER_JSON
#define SSE     LLM_ANSWER_SSE
#define ARRAY   LLM_ANSWER_ARRAY
#define OPAQUE  LLM_ANSWER_OPAQUE


static void
check(llm_op_e op, llm_answer_e kind, const char *name, const char *text,
    const char *want)
{
    int                   same;
    size_t                len, piece;
    llm_buf_t             b, whole;
    llm_str_t             got;
    llm_arena_t          *arena;
    const unsigned char  *data;

    static const size_t  pieces[] = { 1, 2, 3, 5, 7, 16, 63, 0 };

    data = (const unsigned char *) text;
    len = strlen(text);
    arena = llm_arena_create(16 * 1024 * 1024);

    llm_buf_init(&b, arena);
    llm_buf_init(&whole, arena);

    answer_story(arena, &llm_ops[op], kind, data, len, len + 1, 0, 0, &b);

    got.data = b.data;
    got.len = b.len;
    is_str(got, want, "%s", name);

    answer_story(arena, &llm_ops[op], kind, data, len, len + 1, 0, 1, &whole);

    same = 1;

    for (piece = 0; pieces[piece]; piece++) {
        answer_story(arena, &llm_ops[op], kind, data, len, pieces[piece], 0, 1,
                     &b);

        if (b.len != whole.len || memcmp(b.data, whole.data, b.len) != 0) {
            printf("# pieces of %d: \"%.*s\"\n", (int) pieces[piece],
                   (int) b.len, (char *) b.data);
            same = 0;
        }
    }

    ok(same, "%s: in pieces", name);

    llm_arena_free(arena);
}


/* the usage alone, of an unary answer */

static void
check_usage(llm_op_e op, const char *name, const char *text, const char *want)
{
    size_t         used;
    llm_buf_t      b;
    llm_str_t      raw, got;
    llm_usage_t    usage;
    llm_arena_t   *arena;
    llm_answer_t  *a;

    arena = llm_arena_create(1024 * 1024);
    llm_buf_init(&b, arena);

    a = llm_answer_create(arena, &llm_ops[op], JSON);
    (void) llm_answer_feed(a, (const unsigned char *) text, strlen(text),
                           &used);
    (void) llm_answer_end(a);

    if (llm_answer_usage(a, &usage, &raw) == LLM_OK) {
        llm_usage_print(&usage, &b);

    } else {
        llm_buf_puts(&b, "none");
    }

    got.data = b.data;
    got.len = b.len;
    is_str(got, want, "usage: %s", name);

    llm_arena_free(arena);
}


static void
test_chat(void)
{
    check(LLM_OP_CHAT, SSE, "chat stream with usage at its end",
          "data: {\"model\":\"m-1\",\"choices\":[{\"delta\":{\"role\":"
          "\"assistant\",\"content\":\"\"},\"finish_reason\":null}],"
          "\"usage\":null}\n\n"
          "data: {\"model\":\"m-1\",\"choices\":[{\"delta\":{\"content\":"
          "\"Hi \\u00e9\"}}]}\n\n"
          "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}"
          "\n\n"
          "data: {\"choices\":[],\"service_tier\":\"default\",\"usage\":"
          "{\"prompt_tokens\":9,\"completion_tokens\":3,\"total_tokens\":12}}"
          "\n\n"
          "data: [DONE]\n\n",
          ": :C :C :U :D ok:CUD text=5 model=m-1 "
          "tier=default {\"input\":9,\"output\":3} raw={\"prompt_tokens\":9,"
          "\"completion_tokens\":3,\"total_tokens\":12}");

    check(LLM_OP_CHAT, SSE, "Azure's preamble, async filter, CRLF",
          "data: {\"id\":\"\",\"model\":\"\",\"choices\":[],"
          "\"prompt_filter_results\":[{}]}\r\n\r\n"
          "data: {\"choices\":[{\"index\":0,\"content_filter_results\":{}}]}"
          "\r\n\r\n"
          "data: [DONE]\r\n\r\n",
          ": : :D ok:D");

    check(LLM_OP_CHAT, SSE, "usage on the last chunk, no end mark",
          "data: {\"choices\":[{\"delta\":{\"content\":\"a\",\"reasoning\":"
          "\"bcd\",\"reasoning_content\":\"bcd\"},\"message\":{\"content\":"
          "\"again\"}}],\"usage\":{\"prompt_tokens\":1,"
          "\"completion_tokens\":1}}\r\n\r\n"
          "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],"
          "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\r\n\r\n",
          ":C :C ok:C text=4 {\"input\":1,\"output\":2} "
          "raw={\"prompt_tokens\":1,\"completion_tokens\":2}");

    check(LLM_OP_CHAT, SSE, "usage of x_groq, tools",
          "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":"
          "{\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}\n\n"
          "data: {\"choices\":[{\"delta\":{},\"finish_reason\":"
          "\"tool_calls\"}],\"x_groq\":{\"usage\":{\"prompt_tokens\":4,"
          "\"completion_tokens\":2,\"total_tokens\":6}}}\n\n"
          "data: [DONE]\n\n",
          ":C :C :D ok:CD text=3 {\"input\":4,\"output\":2} "
          "raw={\"prompt_tokens\":4,\"completion_tokens\":2,"
          "\"total_tokens\":6}");

    check(LLM_OP_CHAT, SSE, "cut before its end",
          "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
          "data: {\"choices\":[{\"del",
          ":C bad:C text=1");

    check(LLM_OP_CHAT, SSE, "cut between events",
          "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
          ":C bad:C text=1");

    check(LLM_OP_CHAT, SSE, "the last blank line is missing",
          "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
          "data: [DONE]\n",
          ":C ok:CD text=1");

    check(LLM_OP_CHAT, SSE, "nothing, and comments alone", "", "bad:");
    check(LLM_OP_CHAT, SSE, "comments alone", ": a\n\n: b\n\n",
          ":K :K bad:K");

    check(LLM_OP_CHAT, SSE, "an error among the chunks",
          ": PROCESSING\n\n"
          "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
          "data: {\"error\":{\"code\":502,\"message\":\"went \\\"away\\\"\"},"
          "\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}\n\n"
          "data: [DONE]\n\n",
          ":K :C :E :D ok:CEDK text=1 error=went \"away\"");

    check(LLM_OP_CHAT, SSE, "an error event, then EOF",
          "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
          "event: error\ndata: {\"error\":{\"message\":\"no\"}}\n",
          ":C bad:CE text=1 error=no");

    check(LLM_OP_CHAT, SSE, "an error event that is no JSON",
          "event: error\ndata: gone\n\n",
          ":E bad:E");

    check(LLM_OP_CHAT, SSE, "an error in an array",
          "data: [{\"error\":{\"message\":\"no\"}}]\n\n",
          ":E bad:E error=no");

    check(LLM_OP_CHAT, SSE, "JSON where a stream should be",
          "{\"error\":{\n\"message\":\"no\"}}\n",
          "bad:E error=no");

    check(LLM_OP_CHAT, SSE, "garbage breaks it once, bytes go on",
          "data: {nonsense}\n\ndata: [nor this]\n\n"
          "data: {\"choices\":[{\"delta\":{}}]}\n\ndata: [DONE]\n\n",
          "! : : :D bad:D");

    check(LLM_OP_CHAT, SSE, "data of several lines",
          "data: {\"choices\":\ndata:  [{\"delta\":\ndata\ndata: {}}]}\n\n"
          "data:  [DONE]  \ndata:\n\n",
          ": :D ok:D");

    check(LLM_OP_COMPLETIONS, SSE, "legacy completions",
          "data: {\"choices\":[{\"text\":\"The\",\"finish_reason\":null}]}"
          "\n\ndata: [DONE]\n\n",
          ":C :D ok:CD text=3");

    check(LLM_OP_CHAT, JSON, "unary chat",
          "{\"model\":\"m\",\"error\":null,\"service_tier\":\"priority\","
          "\"choices\":[{\"message\":{\"content\":\"abcd\",\"refusal\":null,"
          "\"audio\":{\"data\":\"xxxxxxxx\"}}}],\"usage\":{\"prompt_tokens\":"
          "1,\"completion_tokens\":1}}",
          "ok:C text=4 model=m tier=priority {\"input\":1,\"output\":1} "
          "raw={\"prompt_tokens\":1,\"completion_tokens\":1}");

    check(LLM_OP_CHAT, JSON, "an error with status 200",
          "{\"error\":{\"message\":\"no\",\"code\":null}}", "bad:E error=no");
    check(LLM_OP_CHAT, JSON, "an error that is a string",
          "{\"code\":\"x\",\"error\":\"no key\"}", "bad:E error=no key");
    check(LLM_OP_CHAT, JSON, "an error in an array",
          "[{\"error\":{\"message\":\"no\"}},{}]", "bad:E error=no");
    check(LLM_OP_CHAT, JSON, "an empty body", "", "bad:");
    check(LLM_OP_CHAT, JSON, "half a body", "{\"choices\":[{}]", "bad:");
    check(LLM_OP_CHAT, JSON, "two bodies", "{}{}", "bad:");
    check(LLM_OP_CHAT, JSON, "HTML", "<html></html>", "bad:");
    check(LLM_OP_CHAT, JSON, "no object", "null", "bad:C");
    check(LLM_OP_CHAT, JSON, "an array", "[]", "bad:C");
    check(LLM_OP_RERANK, JSON, "ranks in an array", "[{\"index\":0}]", "ok:C");
}


static void
test_responses(void)
{
    check(LLM_OP_RESPONSES, SSE, "a response by events",
          "event: response.created\n"
          "data: {\"type\":\"response.created\",\"sequence_number\":0,"
          "\"response\":{\"id\":\"resp_1\",\"error\":null,"
          "\"previous_response_id\":\"resp_0\",\"status\":\"in_progress\","
          "\"usage\":null}}\n\n"
          "event: response.output_text.delta\n"
          "data: {\"type\":\"response.output_text.delta\","
          "\"sequence_number\":1,\"delta\":\"Hi\",\"id\":\"no\"}\n\n"
          "event: response.completed\n"
          "data: {\"type\":\"response.completed\",\"sequence_number\":2,"
          "\"response\":{\"previous_response_id\":\"resp_0\",\"id\":"
          "\"resp_1\",\"status\":\"completed\",\"model\":\"m\","
          "\"service_tier\":\"flex\",\"tool_usage\":{\"web_search\":"
          "{\"num_requests\":2}},\"usage\":{\"input_tokens\":10,"
          "\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":6,"
          "\"output_tokens_details\":{\"reasoning_tokens\":5},"
          "\"total_tokens\":16}}}\n\n",
          ":(resp_1)(resp_0) :C "
          ":CD(resp_0)(resp_1) ok:CD text=2 sequence=2 model=m "
          "tier=flex status=completed {\"input\":6,\"cache_read\":4,"
          "\"output\":1,\"reasoning\":5,\"searches\":2} "
          "raw={\"input_tokens\":10,\"input_tokens_details\":"
          "{\"cached_tokens\":4},\"output_tokens\":6,"
          "\"output_tokens_details\":{\"reasoning_tokens\":5},"
          "\"total_tokens\":16}");

    check(LLM_OP_RESPONSES, SSE, "a response that failed",
          "event: error\ndata: {\"type\":\"error\",\"sequence_number\":2,"
          "\"error\":{\"message\":\"limit\"}}\n\n"
          "data: {\"type\":\"response.failed\",\"response\":{\"id\":"
          "\"resp_1\",\"status\":\"failed\",\"error\":{\"message\":\"x\"}}}"
          "\n\n",
          ":E :ED(resp_1) ok:ED sequence=2 status=failed "
          "error=limit");

    check(LLM_OP_RESPONSES, SSE, "an error whose message is on top",
          "data: {\"type\":\"error\",\"code\":\"x\",\"message\":\"no\"}\n\n",
          ":E bad:E error=no");

    check(LLM_OP_RESPONSE_GET, SSE, "types in event names only, [DONE]",
          "event: response.queued\ndata: {\"response\":{\"id\":\"a\"}}\n\n"
          "event: keepalive\ndata: {}\n\n"
          "event: response.output_item.added\ndata: {\"item\":{}}\n\n"
          "event: response.incomplete\ndata: {\"response\":{\"id\":\"a\"}}"
          "\n\ndata: [DONE]\n\n",
          ":(a) : :C :CD(a) :D ok:CD");

    check(LLM_OP_RESPONSES, SSE, "ids in data of several lines are not told",
          "data: {\"type\":\"response.completed\",\ndata: \"response\":"
          "{\"id\":\"resp_1\"}}\n\n",
          ":CD ok:CD");

    check(LLM_OP_RESPONSES, SSE, "ids behind CRLF",
          "\r\n\r\ndata:{\"type\":\"response.completed\",\"response\":{\"id\":"
          "\"resp_1\"}}\r\n\r\n",
          ":K :K :CD(resp_1) ok:CDK");

    check(LLM_OP_RESPONSES, JSON, "a response",
          "{\"id\":\"resp_1\",\"error\":null,\"status\":\"completed\","
          "\"previous_response_id\":\"resp_0\",\"model\":\"m\",\"output\":["
          "{\"type\":\"message\",\"content\":[{\"type\":\"output_text\","
          "\"text\":\"abc\"}]},{\"arguments\":\"{}\",\"call_id\":\"c\"}],"
          "\"usage\":{\"input_tokens\":2,\"output_tokens\":3}}",
          "ok:C(resp_1)(resp_0) text=5 model=m status=completed "
          "{\"input\":2,\"output\":3} "
          "raw={\"input_tokens\":2,\"output_tokens\":3}");

    check(LLM_OP_RESPONSES, JSON, "a failed response is an answer",
          "{\"id\":\"resp_1\",\"status\":\"failed\",\"error\":{\"message\":"
          "\"x\"},\"output\":[]}",
          "ok:C(resp_1) status=failed error=x");

    check(LLM_OP_RESPONSES, JSON, "escaped and odd ids are not told",
          "{\"id\":\"re\\u0073p\",\"previous_response_id\":1}", "ok:C");

    check(LLM_OP_RESPONSE_DELETE, JSON, "a deletion",
          "{\"id\":\"resp_1\",\"object\":\"response.deleted\","
          "\"deleted\":true}", "ok:C(resp_1)");
    check(LLM_OP_RESPONSE_ITEMS, JSON, "a list of items",
          "{\"object\":\"list\",\"data\":[{\"id\":\"msg_1\"}]}",
          "ok:C items=1");
    check(LLM_OP_RESPONSES, JSON, "an error with status 200",
          "{\"error\":{\"message\":\"no\"}}", "bad:E error=no");
}


static void
test_messages(void)
{
    check(LLM_OP_MESSAGES, SSE, "a message by events",
          "event: message_start\n"
          "data: {\"type\":\"message_start\",\"message\":{\"model\":\"c\","
          "\"usage\":{\"input_tokens\":43,\"cache_creation_input_tokens\":7,"
          "\"cache_creation\":{\"ephemeral_5m_input_tokens\":5,"
          "\"ephemeral_1h_input_tokens\":2},\"output_tokens\":1,"
          "\"service_tier\":\"standard\"}}}\n\n"
          "event: ping\ndata: {\"type\": \"ping\"}\n\n"
          "event: content_block_delta\n"
          "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":"
          "\"text_delta\",\"text\":\"Hello\"}   }\n\n"
          "event: message_delta\n"
          "data: {\"type\":\"message_delta\",\"usage\":{\"input_tokens\":61,"
          "\"cache_creation_input_tokens\":null,\"output_tokens\":9,"
          "\"output_tokens_details\":{\"thinking_tokens\":4},"
          "\"server_tool_use\":{\"web_search_requests\":3}}}\n\n"
          "event: message_stop\ndata: {\"type\":\"message_stop\"   }\n\n",
          ": : :C :C :D ok:CD text=5 model=c tier=standard "
          "{\"input\":61,\"cache_write_5m\":5,\"cache_write_1h\":2,"
          "\"output\":5,\"reasoning\":4,\"searches\":3} "
          "raw={\"cache_creation_input_tokens\":7,\"cache_creation\":"
          "{\"ephemeral_5m_input_tokens\":5,\"ephemeral_1h_input_tokens\":2},"
          "\"service_tier\":\"standard\",\"input_tokens\":61,"
          "\"output_tokens\":9,\"output_tokens_details\":"
          "{\"thinking_tokens\":4},\"server_tool_use\":"
          "{\"web_search_requests\":3}}");

    check(LLM_OP_MESSAGES, SSE, "overloaded at once",
          "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
          "\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
          ":E bad:E error=Overloaded");

    check(LLM_OP_MESSAGES, SSE, "no end",
          "data: {\"type\":\"message_start\",\"message\":{}}\n\n"
          "data: {\"type\":\"content_block_start\",\"content_block\":"
          "{\"type\":\"tool_use\"}}\n\n",
          ": :C bad:C");

    check(LLM_OP_MESSAGES, JSON, "a message",
          "{\"type\":\"message\",\"model\":\"c\",\"content\":[{\"type\":"
          "\"thinking\",\"thinking\":\"ab\",\"signature\":\"xxx\"},{\"text\":"
          "\"cd\"}],\"usage\":{\"input_tokens\":1,"
          "\"cache_read_input_tokens\":8,\"output_tokens\":2}}",
          "ok:C text=4 model=c {\"input\":1,\"cache_read\":8,\"output\":2} "
          "raw={\"input_tokens\":1,\"cache_read_input_tokens\":8,"
          "\"output_tokens\":2}");

    check(LLM_OP_MESSAGES, JSON, "an error with status 200",
          "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":"
          "\"no\"}}", "bad:E error=no");

    check(LLM_OP_COUNT_TOKENS, JSON, "counts are not billed",
          "{\"input_tokens\":14}", "ok:C");
}


static void
test_gemini(void)
{
    check(LLM_OP_GENERATE_STREAM, SSE, "content by events",
          "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": "
          "\"ab\"}]}}],\"usageMetadata\": {\"trafficType\": \"X\"},"
          "\"modelVersion\": \"g\"}\r\n\r\n"
          "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": "
          "\"c\"},{\"functionCall\": {\"name\": \"f\",\"args\": {}}}]},"
          "\"finishReason\": \"STOP\"}],\"usageMetadata\": "
          "{\"promptTokenCount\": 9,\"candidatesTokenCount\": 2,"
          "\"thoughtsTokenCount\": 5,\"totalTokenCount\": 16}}\r\n\r\n"
          "data: {\"usageMetadata\": {\"trafficType\": \"X\"}}\r\n\r\n",
          ":C :C : ok:C text=4 model=g "
          "{\"input\":9,\"output\":2,\"reasoning\":5} "
          "raw={\"promptTokenCount\": 9,\"candidatesTokenCount\": 2,"
          "\"thoughtsTokenCount\": 5,\"totalTokenCount\": 16}");

    check(LLM_OP_GENERATE_STREAM, SSE, "a prompt that is blocked",
          "data: {\"promptFeedback\": {\"blockReason\": \"SAFETY\"}}\n\n",
          ":C ok:C");

    check(LLM_OP_GENERATE_STREAM, SSE, "an error without data:",
          "data: {\"candidates\": [{}]}\n\n"
          "{\n  \"error\": {\n    \"code\": 499,\n    \"message\": \"gone\"\n"
          "  }\n}\n",
          ":C bad:CE error=gone");

    check(LLM_OP_GENERATE_STREAM, SSE, "bare lines that are no error",
          "data: {\"candidates\": [{\"finishReason\": \"STOP\"}]}\n\n"
          "{\"candidates\": [{}]}\n\n",
          ":C :K ok:CK");

    check(LLM_OP_GENERATE_STREAM, SSE, "no finish",
          "data: {\"candidates\": [{\"finishReason\": null}]}\n\n",
          ":C bad:C");

    check(LLM_OP_GENERATE_STREAM, ARRAY, "content by elements",
          "[{\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"a\"}]}"
          "}]}\r\n,\r\n{\"candidates\": [{\"finishReason\": \"STOP\"}],"
          "\"usageMetadata\": {\"promptTokenCount\": 1,"
          "\"totalTokenCount\": 1}}\r\n]\r\n",
          ":C :C ok:C text=1 {\"input\":1,\"output\":0} "
          "raw={\"promptTokenCount\": 1,\"totalTokenCount\": 1}");

    check(LLM_OP_GENERATE_STREAM, ARRAY, "an array that is not closed",
          "[{\"candidates\": [{\"finishReason\": \"STOP\"}]}",
          ":C bad:C");
    check(LLM_OP_GENERATE_STREAM, ARRAY, "an error for an element",
          "[{\"error\": {\"code\": 429,\"message\": \"quota\"}}]",
          ":E bad:E error=quota");
    check(LLM_OP_GENERATE_STREAM, ARRAY, "an error for the array",
          "{\"error\": {\"code\": 429,\"message\": \"quota\"}}",
          ":E bad:E error=quota");
    check(LLM_OP_GENERATE_STREAM, ARRAY, "a frame that breaks",
          "[{\"candidates\": [{}]}{\"candidates\": [{}]}]", ":C bad:C");

    check(LLM_OP_GEMINI_LONG, JSON, "a job",
          "{\"name\":\"models/v/operations/1\"}",
          "ok:C(models/v/operations/1) status=in_progress");
    check(LLM_OP_OPERATION_GET, JSON, "a job that is done",
          "{\"name\":\"o/1\",\"done\":true,\"response\":"
          "{\"generateVideoResponse\":{\"generatedSamples\":[{},{}]}}}",
          "ok:C(o/1) items=2 status=completed");
    check(LLM_OP_OPERATION_GET, JSON, "a job that failed",
          "{\"name\":\"o/1\",\"done\":true,\"error\":{\"message\":\"x\"}}",
          "ok:C(o/1) status=failed error=x");
    check(LLM_OP_GENERATE, JSON, "an error in an array, status 200",
          "[{\"error\":{\"code\":400,\"message\":\"no\"}}]", "bad:E error=no");
    check(LLM_OP_GEMINI_COUNT, JSON, "counts are not billed",
          "{\"totalTokens\":8,\"promptTokensDetails\":[]}", "ok:C");
}


static void
test_media(void)
{
    check(LLM_OP_TRANSCRIPTIONS, SSE, "a transcript by events",
          "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Ru\"}\r\n"
          "\r\n"
          "data: {\"type\":\"transcript.text.done\",\"text\":\"Ru\",\"usage\":"
          "{\"type\":\"tokens\",\"total_tokens\":49,\"input_tokens\":37,"
          "\"input_token_details\":{\"text_tokens\":2,\"audio_tokens\":35},"
          "\"output_tokens\":12}}\r\n\r\ndata: [DONE]\r\n\r\n",
          ":C :CD :D ok:CD text=2 {\"input\":2,\"audio_input\":35,"
          "\"output\":12} raw={\"type\":\"tokens\",\"total_tokens\":49,"
          "\"input_tokens\":37,\"input_token_details\":{\"text_tokens\":2,"
          "\"audio_tokens\":35},\"output_tokens\":12}");

    check(LLM_OP_SPEECH, SSE, "speech by events",
          "data: {\"type\":\"speech.audio.delta\",\"audio\":\"SUQz\"}\n\n"
          "data: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":"
          "14,\"output_tokens\":101,\"total_tokens\":115}}\n\n",
          ":C :CD ok:CD {\"input\":14,\"output\":0,"
          "\"audio_output\":101} raw={\"input_tokens\":14,"
          "\"output_tokens\":101,\"total_tokens\":115}");

    check(LLM_OP_SPEECH, OPAQUE, "speech in bytes", "ID3\n\n{", "ok:C");
    check(LLM_OP_SPEECH, OPAQUE, "no bytes at all", "", "bad:");

    check(LLM_OP_IMAGE_GENERATIONS, SSE, "an image by events",
          "event: image_generation.partial_image\ndata: {\"type\":"
          "\"image_generation.partial_image\",\"b64_json\":\"iVB\"}\n\n"
          "event: image_generation.completed\ndata: {\"type\":"
          "\"image_generation.completed\",\"b64_json\":\"iVB\"}\n\n",
          ":C :CD ok:CD items=1 {\"images\":1}");

    check(LLM_OP_VIDEO_GET, JSON, "a video",
          "{\"id\":\"video_1\",\"status\":\"completed\",\"seconds\":\"4\","
          "\"remixed_from_video_id\":\"video_0\",\"error\":null}",
          "ok:C(video_1)(video_0) status=completed "
          "{\"video_seconds\":4}");
    check(LLM_OP_VIDEO_GET, JSON, "a video that failed",
          "{\"id\":\"video_1\",\"status\":\"failed\",\"error\":{\"message\":"
          "\"x\"}}",
          "ok:C(video_1) status=failed error=x");
}


static void
test_usage(void)
{
    check_usage(LLM_OP_CHAT, "all parts are disjoint",
                "{\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":50,"
                "\"total_tokens\":150,\"prompt_tokens_details\":"
                "{\"cached_tokens\":10,\"cache_write_tokens\":20,"
                "\"audio_tokens\":30,\"image_tokens\":5},"
                "\"completion_tokens_details\":{\"reasoning_tokens\":20,"
                "\"audio_tokens\":7,\"image_tokens\":3}}}",
                "{\"input\":35,\"cache_read\":10,\"cache_write_5m\":20,"
                "\"audio_input\":30,\"image_input\":5,\"output\":20,"
                "\"reasoning\":20,\"audio_output\":7,\"image_output\":3}");
    check_usage(LLM_OP_CHAT, "parts are not more than the whole",
                "{\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":10,"
                "\"prompt_tokens_details\":{\"cached_tokens\":4,"
                "\"cache_write_tokens\":4,\"audio_tokens\":4},"
                "\"completion_tokens_details\":{\"reasoning_tokens\":11}}}",
                "{\"input\":0,\"cache_read\":4,\"cache_write_5m\":1,"
                "\"output\":0,\"reasoning\":10}");
    check_usage(LLM_OP_CHAT, "reasoning outside, told",
                "{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,"
                "\"total_tokens\":35,\"completion_tokens_details\":"
                "{\"reasoning_tokens\":20}}}",
                "{\"input\":10,\"output\":5,\"reasoning\":20}");
    check_usage(LLM_OP_CHAT, "reasoning outside, not told",
                "{\"usage\":{\"prompt_tokens\":35,\"completion_tokens\":12,"
                "\"total_tokens\":109}}",
                "{\"input\":35,\"output\":12,\"reasoning\":62}");
    check_usage(LLM_OP_CHAT, "reasoning beside citations",
                "{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"
                "\"total_tokens\":3,\"citation_tokens\":4,"
                "\"reasoning_tokens\":5,\"num_search_queries\":6}}",
                "{\"input\":1,\"output\":2,\"reasoning\":5,\"searches\":6}");
    check_usage(LLM_OP_CHAT, "cache hits by DeepSeek's name",
                "{\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1,"
                "\"prompt_cache_hit_tokens\":8}}",
                "{\"input\":1,\"cache_read\":8,\"output\":1}");
    check_usage(LLM_OP_CHAT, "cache hits by Mistral's name",
                "{\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1,"
                "\"num_cached_tokens\":8}}",
                "{\"input\":1,\"cache_read\":8,\"output\":1}");
    check_usage(LLM_OP_CHAT, "numbers that cannot be",
                "{\"usage\":{\"prompt_tokens\":-5,\"completion_tokens\":1.5,"
                "\"total_tokens\":9007199254740994,"
                "\"prompt_tokens_details\":{\"cached_tokens\":\"3\"}}}",
                "none");
    check_usage(LLM_OP_CHAT, "a usage of another place",
                "{\"choices\":[{\"message\":{\"usage\":{\"prompt_tokens\":5}}}"
                "],\"usage\":null}", "none");
    check_usage(LLM_OP_EMBEDDINGS, "embeddings",
                "{\"data\":[{},{}],\"usage\":{\"prompt_tokens\":4,"
                "\"total_tokens\":4}}", "{\"input\":4}");
    check_usage(LLM_OP_EMBEDDINGS, "embeddings with a total only",
                "{\"data\":[{}],\"usage\":{\"total_tokens\":4}}",
                "{\"input\":4}");
    check_usage(LLM_OP_IMAGE_GENERATIONS, "images by tokens",
                "{\"data\":[{}],\"usage\":{\"input_tokens\":10,"
                "\"input_tokens_details\":{\"image_tokens\":4},"
                "\"output_tokens\":272}}",
                "{\"input\":6,\"image_input\":4,\"output\":0,"
                "\"image_output\":272}");
    check_usage(LLM_OP_IMAGE_EDITS, "images by number",
                "{\"data\":[{},{}]}", "{\"images\":2}");
    check_usage(LLM_OP_TRANSCRIPTIONS, "audio by seconds",
                "{\"text\":\"a\",\"duration\":9.9,\"usage\":{\"type\":"
                "\"duration\",\"seconds\":4}}", "{\"audio_seconds\":4}");
    check_usage(LLM_OP_TRANSLATIONS, "audio by a duration",
                "{\"text\":\"a\",\"duration\":8.4705}",
                "{\"audio_seconds\":8.471}");
    check_usage(LLM_OP_TRANSLATIONS, "no duration",
                "{\"text\":\"a\",\"duration\":1e3}", "none");
    check_usage(LLM_OP_TRANSCRIPTIONS, "audio outside of the prompt",
                "{\"text\":\"a\",\"usage\":{\"prompt_tokens\":3,"
                "\"total_tokens\":389,\"completion_tokens\":11,"
                "\"prompt_tokens_details\":{\"audio_tokens\":375}}}",
                "{\"input\":3,\"audio_input\":375,\"output\":11}");
    check_usage(LLM_OP_RERANK, "rerank",
                "{\"results\":[{}],\"meta\":{\"billed_units\":"
                "{\"search_units\":1}}}", "{\"searches\":1}");
    check_usage(LLM_OP_MODERATIONS, "moderations",
                "{\"results\":[{}]}", "{\"requests\":1}");
    check_usage(LLM_OP_VIDEO_GET, "a video's own duration",
                "{\"status\":\"done\",\"video\":{\"duration\":1.5}}",
                "{\"video_seconds\":1.5}");
    check_usage(LLM_OP_MESSAGES, "cache writes without a split",
                "{\"content\":[],\"usage\":{\"input_tokens\":1,"
                "\"cache_creation_input_tokens\":5,\"output_tokens\":2}}",
                "{\"input\":1,\"cache_write_5m\":5,\"output\":2}");
    check_usage(LLM_OP_GENERATE, "modalities and tools",
                "{\"candidates\":[{}],\"usageMetadata\":{"
                "\"promptTokenCount\":100,\"cachedContentTokenCount\":40,"
                "\"toolUsePromptTokenCount\":7,\"candidatesTokenCount\":50,"
                "\"promptTokensDetails\":[{\"modality\":\"TEXT\","
                "\"tokenCount\":50},{\"modality\":\"AUDIO\",\"tokenCount\":"
                "30},{\"tokenCount\":20,\"modality\":\"IMAGE\"}],"
                "\"cacheTokensDetails\":[{\"modality\":\"AUDIO\","
                "\"tokenCount\":10}],\"candidatesTokensDetails\":[{"
                "\"modality\":\"IMAGE\",\"tokenCount\":45}]}}",
                "{\"input\":27,\"cache_read\":40,\"audio_input\":20,"
                "\"image_input\":20,\"output\":5,\"image_output\":45}");
    check_usage(LLM_OP_GEMINI_BATCH_EMBED, "embeddings of Gemini",
                "{\"embeddings\":[{}],\"usageMetadata\":"
                "{\"promptTokenCount\":6}}", "{\"input\":6}");
}


/* a data line of megabytes costs no memory, and neither do many events */

static void
test_memory(void)
{
    int             i, rc;
    size_t          n, used, before;
    llm_arena_t    *arena;
    llm_answer_t   *a;
    unsigned char   block[65536];

    arena = llm_arena_create(64 * 1024 * 1024);
    a = llm_answer_create(arena, &llm_ops[LLM_OP_GENERATE_STREAM], SSE);

    n = sizeof("data: {\"candidates\":[{\"data\":\"") - 1;
    memcpy(block, "data: {\"candidates\":[{\"data\":\"", n);
    (void) llm_answer_feed(a, block, n, &used);

    before = arena->left;
    memset(block, 'A', sizeof(block));

    for (i = 0; i < 80; i++) {
        (void) llm_answer_feed(a, block, sizeof(block), &used);
    }

    memcpy(block, "\"}]}\n\n", 6);
    rc = llm_answer_feed(a, block, 6, &used);

    ok(rc == LLM_OK && llm_answer_event(a) == LLM_EVENT_CONTENT,
       "a long line is read");
    is_int(before - arena->left, 0, "and takes no memory");

    n = sizeof("data: {\"error\":{\"message\":\"a\"},\"usageMetadata\":"
               "{\"promptTokenCount\":1}}\n\n") - 1;
    memcpy(block, "data: {\"error\":{\"message\":\"a\"},\"usageMetadata\":"
           "{\"promptTokenCount\":1}}\n\n", n);
    (void) llm_answer_feed(a, block, n, &used);

    before = arena->left;

    for (i = 0; i < 10000; i++) {
        (void) llm_answer_feed(a, block, n, &used);
    }

    is_int(before - arena->left, 0, "nor do ten thousand events");

    ok(!llm_answer_begun(a), "between events none is under way");
    (void) llm_answer_feed(a, (unsigned char *) "data: {\"a\": ", 12, &used);
    ok(llm_answer_begun(a), "now one is");
    (void) llm_answer_feed(a, (unsigned char *) "}", 1, &used);
    ok(!llm_answer_begun(a), "and does not read as JSON any more");

    llm_arena_free(arena);
}


int
main(void)
{
    plan(0);

    test_chat();
    test_responses();
    test_messages();
    test_gemini();
    test_media();
    test_usage();
    test_memory();

    return unit_end();
}
