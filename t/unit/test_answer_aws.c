
/* answers of Bedrock: Converse, and Claude's own events inside of chunks */


#include "unit.h"
#include "answer_story.h"
#include "aws_frame.h"
#include "llm_base64.h"


static llm_arena_t  *arena;
static llm_buf_t     stream;


static void
chunk(const char *event)
{
    llm_buf_t  b;

    llm_buf_init(&b, arena);
    llm_buf_puts(&b, "{\"bytes\":\"");
    llm_base64_encode(&b, event, strlen(event));
    llm_buf_puts(&b, "\",\"p\":\"abc\"}");
    llm_buf_add(&b, "", 1);

    aws_event(&stream, "event", "chunk", (char *) b.data);
}


static void
check(llm_op_e op, llm_answer_e kind, const void *data, size_t len,
    const char *want, const char *what)
{
    size_t     i;
    llm_str_t  got;
    llm_buf_t  b;

    static const size_t  pieces[] = { SIZE_MAX / 2, 1, 7 };

    for (i = 0; i < sizeof(pieces) / sizeof(size_t); i++) {
        llm_buf_init(&b, arena);

        answer_story(arena, &llm_ops[op], kind, data, len, pieces[i], 0, 1,
                     &b);

        got.data = b.data;
        got.len = b.len;

        is_str(got, want, "%s, in pieces of %zu", what, pieces[i]);
    }
}


static void
check_stream(llm_op_e op, const char *want, const char *what)
{
    check(op, LLM_ANSWER_EVENTSTREAM, stream.data, stream.len, want, what);

    stream.len = 0;
}


static void
check_json(llm_op_e op, const char *text, const char *want, const char *what)
{
    check(op, LLM_ANSWER_JSON, text, strlen(text), want, what);
}


int
main(void)
{
    plan(0);

    arena = llm_arena_create(64 * 1024 * 1024);
    llm_buf_init(&stream, arena);

    aws_event(&stream, "event", "messageStart", "{\"role\":\"assistant\"}");
    aws_event(&stream, "event", "contentBlockDelta",
              "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"Hi\"}}");
    aws_event(&stream, "event", "contentBlockStop",
              "{\"contentBlockIndex\":0}");
    aws_event(&stream, "event", "messageStop",
              "{\"stopReason\":\"end_turn\"}");
    aws_event(&stream, "event", "metadata",
              "{\"usage\":{\"inputTokens\":3,\"outputTokens\":4,"
              "\"cacheReadInputTokens\":5,\"cacheWriteInputTokens\":7,"
              "\"cacheDetails\":[{\"ttl\":\"1h\",\"inputTokens\":6},"
              "{\"ttl\":\"5m\",\"inputTokens\":1}]},"
              "\"trace\":{\"guardrail\":{\"usage\":{\"inputTokens\":9}}}}");
    check_stream(LLM_OP_CONVERSE_STREAM,
                 "118: 266:C 391:C 513:C 827:D ok:CD text=2 {\"input\":3,"
                 "\"cache_read\":5,\"cache_write_5m\":1,\"cache_write_1h\":6,"
                 "\"output\":4} raw={\"inputTokens\":3,\"outputTokens\":4,"
                 "\"cacheReadInputTokens\":5,\"cacheWriteInputTokens\":7,"
                 "\"cacheDetails\":[{\"ttl\":\"1h\",\"inputTokens\":6},"
                 "{\"ttl\":\"5m\",\"inputTokens\":1}]}",
                 "a Converse stream");

    aws_event(&stream, "event", "messageStart", "{\"role\":\"assistant\"}");
    aws_event(&stream, "event", "messageStop",
              "{\"stopReason\":\"end_turn\"}");
    check_stream(LLM_OP_CONVERSE_STREAM,
                 "118: 240:C ok:C",
                 "one without metadata");

    aws_event(&stream, "event", "messageStart", "{\"role\":\"assistant\"}");
    check_stream(LLM_OP_CONVERSE_STREAM,
                 "118: bad:",
                 "one that is cut");

    aws_event(&stream, "event", "messageStart", "{\"role\":\"assistant\"}");
    aws_event(&stream, "exception", "throttlingException",
              "{\"message\":\"Too many tokens\"}");
    check_stream(LLM_OP_CONVERSE_STREAM,
                 "118: 260:E bad:E error=Too many tokens",
                 "one that fails");

    aws_event(&stream, "event", "contentBlockDelta", "{\"delta\":");
    aws_event(&stream, "event", "messageStop", "{}");
    check_stream(LLM_OP_CONVERSE_STREAM,
                 "211:C bad:C",
                 "an event that is no JSON");

    aws_event(&stream, "event", "messageStop", "{}");
    stream.data[stream.len - 1] ^= 1;
    aws_event(&stream, "event", "metadata", "{}");
    check_stream(LLM_OP_CONVERSE_STREAM,
                 "bad:",
                 "a checksum that is wrong");

    chunk("{\"type\":\"message_start\",\"message\":{\"model\":\"claude\","
          "\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}");
    chunk("{\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
          "{\"type\":\"text_delta\",\"text\":\"Hi\"}}");
    chunk("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
          "\"end_turn\"},\"usage\":{\"output_tokens\":4}}");
    chunk("{\"type\":\"message_stop\"}");
    check_stream(LLM_OP_INVOKE_STREAM,
                 "245: 470:C 699:C 844:D ok:CD text=2 model=claude "
                 "{\"input\":3,\"output\":4} raw={\"input_tokens\":3,"
                 "\"output_tokens\":4}",
                 "Claude's events in chunks");

    chunk("{\"type\":");
    aws_event(&stream, "event", "chunk", "{\"bytes\":\"!\"}");
    aws_event(&stream, "event", "chunk", "{}");
    chunk("{\"type\":\"message_stop\"}");
    check_stream(LLM_OP_INVOKE_STREAM,
                 "229: 322: 467:D bad:D",
                 "chunks that make no sense");

    check_json(LLM_OP_CONVERSE,
               "{\"output\":{\"message\":{\"role\":\"assistant\","
               "\"content\":[{\"text\":\"Hello\"},{\"reasoningContent\":"
               "{\"reasoningText\":{\"text\":\"so\"}}},{\"toolUse\":"
               "{\"name\":\"f\",\"input\":{\"a\":\"bc\"}}}]}},"
               "\"stopReason\":\"end_turn\",\"trace\":{\"usage\":"
               "{\"inputTokens\":99}},\"usage\":{\"inputTokens\":1,"
               "\"outputTokens\":2}}", "ok:C text=9 {\"input\":1,\"output\":2} "
               "raw={\"inputTokens\":1,\"outputTokens\":2}", "a message");

    check_json(LLM_OP_BEDROCK_COUNT, "{\"inputTokens\":12}", "ok:C",
               "a count");

    llm_arena_free(arena);

    return unit_end();
}
