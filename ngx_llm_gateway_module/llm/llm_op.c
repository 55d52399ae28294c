
/* the table of operations; what finds its rows is in llm_endpoint.c */


#include "llm_endpoint.h"


const llm_str_t  llm_endpoint_names[LLM_ENDPOINT_N] = {
    { 0, NULL },
#define LLM_ENDPOINT_NAME(e, name)  llm_string(#name),
    LLM_ENDPOINT_MAP(LLM_ENDPOINT_NAME)
#undef LLM_ENDPOINT_NAME
};


#define llm_op(op, endpoint, protocol, flags, path)                           \
    { LLM_OP_##op, LLM_ENDPOINT_##endpoint, LLM_PROTOCOL_##protocol,          \
      flags, llm_string(path) }

/*
 * In the order of llm_op_e.  A path that is fixed is also the tail by which
 * its operation is recognised, the first match counts: "/chat/completions"
 * stands before "/completions".
 */

const llm_op_t  llm_ops[LLM_OP_N] = {

    llm_op(NONE, NONE, NONE, 0, ""),

    llm_op(CHAT, CHAT, OPENAI,
           LLM_OP_MODEL_BODY|LLM_OP_STREAM|LLM_OP_USAGE_OPTION,
           "/chat/completions"),

    llm_op(RESPONSES, RESPONSES, OPENAI,
           LLM_OP_MODEL_BODY|LLM_OP_STREAM|LLM_OP_MAKES_ID,
           "/responses"),

    llm_op(RESPONSE_GET, RESPONSES, OPENAI,
           LLM_OP_BY_ID|LLM_OP_STREAM|LLM_OP_MAKES_ID|LLM_OP_FREE, ""),

    llm_op(RESPONSE_DELETE, RESPONSES, OPENAI,
           LLM_OP_BY_ID|LLM_OP_MAKES_ID|LLM_OP_FREE, ""),

    llm_op(RESPONSE_CANCEL, RESPONSES, OPENAI,
           LLM_OP_BY_ID|LLM_OP_MAKES_ID|LLM_OP_FREE, ""),

    llm_op(RESPONSE_ITEMS, RESPONSES, OPENAI,
           LLM_OP_BY_ID|LLM_OP_FREE, ""),

    llm_op(COMPLETIONS, COMPLETIONS, OPENAI,
           LLM_OP_MODEL_BODY|LLM_OP_STREAM|LLM_OP_USAGE_OPTION,
           "/completions"),

    llm_op(EMBEDDINGS, EMBEDDINGS, OPENAI,
           LLM_OP_MODEL_BODY|LLM_OP_CONVERT, "/embeddings"),

    llm_op(MODERATIONS, MODERATIONS, OPENAI,
           LLM_OP_MODEL_BODY|LLM_OP_MODEL_OPTIONAL, "/moderations"),

    llm_op(RERANK, RERANK, OPENAI,
           LLM_OP_MODEL_BODY, "/rerank"),

    llm_op(IMAGE_GENERATIONS, IMAGES, OPENAI,
           LLM_OP_MODEL_BODY|LLM_OP_STREAM|LLM_OP_CONVERT,
           "/images/generations"),

    llm_op(IMAGE_EDITS, IMAGES, OPENAI,
           LLM_OP_MODEL_BODY|LLM_OP_MULTIPART|LLM_OP_STREAM|LLM_OP_CONVERT,
           "/images/edits"),

    llm_op(IMAGE_VARIATIONS, IMAGES, OPENAI,
           LLM_OP_MODEL_BODY|LLM_OP_MULTIPART, "/images/variations"),

    llm_op(SPEECH, AUDIO, OPENAI,
           LLM_OP_MODEL_BODY|LLM_OP_STREAM|LLM_OP_BINARY|LLM_OP_CONVERT,
           "/audio/speech"),

    llm_op(TRANSCRIPTIONS, AUDIO, OPENAI,
           LLM_OP_MODEL_BODY|LLM_OP_MULTIPART|LLM_OP_STREAM|LLM_OP_CONVERT,
           "/audio/transcriptions"),

    llm_op(TRANSLATIONS, AUDIO, OPENAI,
           LLM_OP_MODEL_BODY|LLM_OP_MULTIPART|LLM_OP_CONVERT,
           "/audio/translations"),

    llm_op(VIDEO_CREATE, VIDEO, OPENAI,
           LLM_OP_MODEL_BODY|LLM_OP_MULTIPART|LLM_OP_MAKES_ID|LLM_OP_CONVERT,
           "/videos"),

    llm_op(VIDEO_GET, VIDEO, OPENAI,
           LLM_OP_BY_ID|LLM_OP_MAKES_ID|LLM_OP_FREE|LLM_OP_CONVERT, ""),

    llm_op(VIDEO_DELETE, VIDEO, OPENAI,
           LLM_OP_BY_ID|LLM_OP_MAKES_ID|LLM_OP_FREE, ""),

    llm_op(VIDEO_CONTENT, VIDEO, OPENAI,
           LLM_OP_BY_ID|LLM_OP_FREE|LLM_OP_BINARY|LLM_OP_CONVERT, ""),

    llm_op(VIDEO_REMIX, VIDEO, OPENAI,
           LLM_OP_BY_ID|LLM_OP_MAKES_ID, ""),

    llm_op(MESSAGES, MESSAGES, ANTHROPIC,
           LLM_OP_MODEL_BODY|LLM_OP_STREAM, "/messages"),

    llm_op(COUNT_TOKENS, MESSAGES, ANTHROPIC,
           LLM_OP_MODEL_BODY|LLM_OP_FREE|LLM_OP_CONVERT,
           "/messages/count_tokens"),

    llm_op(GENERATE, GEMINI, GEMINI,
           LLM_OP_MODEL_PATH, ""),

    llm_op(GENERATE_STREAM, GEMINI, GEMINI,
           LLM_OP_MODEL_PATH|LLM_OP_STREAMS, ""),

    llm_op(GEMINI_COUNT, GEMINI, GEMINI,
           LLM_OP_MODEL_PATH|LLM_OP_FREE|LLM_OP_CONVERT, ""),

    llm_op(GEMINI_EMBED, GEMINI, GEMINI,
           LLM_OP_MODEL_PATH|LLM_OP_CONVERT, ""),

    llm_op(GEMINI_BATCH_EMBED, GEMINI, GEMINI,
           LLM_OP_MODEL_PATH|LLM_OP_CONVERT, ""),

    llm_op(GEMINI_LONG, GEMINI, GEMINI,
           LLM_OP_MODEL_PATH|LLM_OP_MAKES_ID, ""),

    llm_op(OPERATION_GET, GEMINI, GEMINI,
           LLM_OP_BY_ID|LLM_OP_MAKES_ID|LLM_OP_FREE, ""),

    llm_op(MODELS, MODELS, OPENAI,
           LLM_OP_LOCAL|LLM_OP_FREE, "/models"),

    llm_op(MODEL, MODELS, OPENAI,
           LLM_OP_LOCAL|LLM_OP_FREE, ""),

    llm_op(RAW_PREDICT, MESSAGES, ANTHROPIC,
           LLM_OP_MODEL_PATH|LLM_OP_UPSTREAM, ""),

    llm_op(RAW_PREDICT_STREAM, MESSAGES, ANTHROPIC,
           LLM_OP_MODEL_PATH|LLM_OP_STREAMS|LLM_OP_UPSTREAM, ""),

    llm_op(RAW_COUNT, MESSAGES, ANTHROPIC,
           LLM_OP_MODEL_BODY|LLM_OP_FREE|LLM_OP_UPSTREAM,
           "/models/count-tokens:rawPredict"),

    llm_op(CONVERSE, CHAT, BEDROCK,
           LLM_OP_MODEL_PATH|LLM_OP_UPSTREAM, ""),

    llm_op(CONVERSE_STREAM, CHAT, BEDROCK,
           LLM_OP_MODEL_PATH|LLM_OP_STREAMS|LLM_OP_UPSTREAM, ""),

    llm_op(INVOKE, MESSAGES, ANTHROPIC,
           LLM_OP_MODEL_PATH|LLM_OP_UPSTREAM, ""),

    llm_op(INVOKE_STREAM, MESSAGES, ANTHROPIC,
           LLM_OP_MODEL_PATH|LLM_OP_STREAMS|LLM_OP_UPSTREAM, ""),

    llm_op(BEDROCK_COUNT, CHAT, BEDROCK,
           LLM_OP_MODEL_PATH|LLM_OP_FREE|LLM_OP_UPSTREAM, ""),

    llm_op(PREDICT, GEMINI, GEMINI,
           LLM_OP_MODEL_PATH|LLM_OP_UPSTREAM, ""),

    llm_op(FETCH_OPERATION, GEMINI, GEMINI,
           LLM_OP_MODEL_PATH|LLM_OP_FREE|LLM_OP_UPSTREAM, "")
};


llm_endpoint_e
llm_endpoint_by_name(const llm_str_t *name)
{
    unsigned  i;

    for (i = 1; i < LLM_ENDPOINT_N; i++) {
        if (llm_endpoint_names[i].len == name->len
            && memcmp(llm_endpoint_names[i].data, name->data, name->len) == 0)
        {
            return (llm_endpoint_e) i;
        }
    }

    return LLM_ENDPOINT_NONE;
}
