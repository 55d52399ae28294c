
#include "llm_request.h"
#include "llm_request_state.h"


#define LLM_ROOT  LLM_PICK_ROOT

#define LLM_REQUEST_MODEL(F)                                                  \
    F("model", LLM_ROOT, LLM_PICK_RAW,                                        \
      llm_request_raw(LLM_REQUEST_MAX_MODEL), MODEL)

#define LLM_REQUEST_STREAM(F)                                                 \
    F("stream", LLM_ROOT, 0, 0, STREAM)

#define LLM_REQUEST_NUMBER(F, name, parent, read)                             \
    F(name, parent, LLM_PICK_RAW, LLM_REQUEST_MAX_NUMBER, read)

#define LLM_REQUEST_WORD(F, name, parent, read)                               \
    F(name, parent, LLM_PICK_RAW, llm_request_raw(LLM_REQUEST_MAX_WORD), read)

#define LLM_REQUEST_USER(F, name, parent)                                     \
    F(name, parent, LLM_PICK_RAW, llm_request_raw(LLM_REQUEST_MAX_USER), USER)

#define LLM_REQUEST_TOOLS(F, name)                                            \
    F(name, LLM_ROOT, LLM_PICK_COUNT, 0, TOOLS)

/* a parent is named by its place in the list */

/*
 * Images: each list begins where its operation's own ends, at place "at".
 * The type of a part, as raw text, tells them.
 */

#define LLM_REQUEST_PART(F, parent, at, type)                                 \
    F(NULL, parent, 0, 0, NONE)                                               \
    LLM_REQUEST_WORD(F, "type", at, NONE)                                     \
    F(type, at + 1, LLM_PICK_BEGINS, 0, IMAGE)

#define LLM_REQUEST_CHAT_IMAGES(F)                                            \
    F("messages", LLM_ROOT, 0, 0, NONE)                                       \
    F(NULL, 12, 0, 0, NONE)                                                   \
    F("content", 13, 0, 0, NONE)                                              \
    LLM_REQUEST_PART(F, 14, 15, "\"image_url\"")

/* of messages, and of what functions gave back */

#define LLM_REQUEST_RESPONSES_IMAGES(F)                                       \
    F("input", LLM_ROOT, 0, 0, NONE)                                          \
    F(NULL, 10, 0, 0, NONE)                                                   \
    F("content", 11, 0, 0, NONE)                                              \
    LLM_REQUEST_PART(F, 12, 13, "\"input_image\"")                            \
    F("output", 11, 0, 0, NONE)                                               \
    LLM_REQUEST_PART(F, 16, 17, "\"input_image\"")

/* the same of tools' results, a level deeper */

#define LLM_REQUEST_MESSAGES_IMAGES(F)                                        \
    F("messages", LLM_ROOT, 0, 0, NONE)                                       \
    F(NULL, 11, 0, 0, NONE)                                                   \
    F("content", 12, 0, 0, NONE)                                              \
    LLM_REQUEST_PART(F, 13, 14, "\"image\"")                                  \
    F("content", 14, 0, 0, NONE)                                              \
    LLM_REQUEST_PART(F, 17, 18, "\"image\"")

#define LLM_REQUEST_BLOB(F, name, at)                                         \
    F(name, 18, 0, 0, NONE)                                                   \
    LLM_REQUEST_WORD(F, "mimeType", at, NONE)                                 \
    F("\"image/", at + 1, LLM_PICK_BEGINS, 0, IMAGE)                          \
    LLM_REQUEST_WORD(F, "mime_type", at, NONE)                                \
    F("\"image/", at + 3, LLM_PICK_BEGINS, 0, IMAGE)

#define LLM_REQUEST_GENERATE_IMAGES(F)                                        \
    F("contents", LLM_ROOT, 0, 0, NONE)                                       \
    F(NULL, 15, 0, 0, NONE)                                                   \
    F("parts", 16, 0, 0, NONE)                                                \
    F(NULL, 17, 0, 0, NONE)                                                   \
    LLM_REQUEST_BLOB(F, "inlineData", 19)                                     \
    LLM_REQUEST_BLOB(F, "inline_data", 24)                                    \
    LLM_REQUEST_BLOB(F, "fileData", 29)                                       \
    LLM_REQUEST_BLOB(F, "file_data", 34)

#define LLM_REQUEST_NO_IMAGES(F)

#define LLM_REQUEST_CHAT(F)                                                   \
    LLM_REQUEST_MODEL(F)                                                      \
    LLM_REQUEST_STREAM(F)                                                     \
    F("stream_options", LLM_ROOT, LLM_PICK_RAW, LLM_REQUEST_MAX_OPTIONS,      \
      OPTIONS)                                                                \
    F("include_usage", 2, 0, 0, INCLUDE_USAGE)                                \
    LLM_REQUEST_NUMBER(F, "max_tokens", LLM_ROOT, MAX)                        \
    LLM_REQUEST_NUMBER(F, "max_completion_tokens", LLM_ROOT, MAX)             \
    LLM_REQUEST_NUMBER(F, "n", LLM_ROOT, N)                                   \
    LLM_REQUEST_USER(F, "user", LLM_ROOT)                                     \
    LLM_REQUEST_TOOLS(F, "tools")                                             \
    LLM_REQUEST_TOOLS(F, "functions")                                         \
    F("response_format", LLM_ROOT, 0, 0, NONE)                                \
    LLM_REQUEST_WORD(F, "type", 10, FORMAT)

/* with "echo", no new token at all may be asked for */

#define LLM_REQUEST_COMPLETIONS(F)                                            \
    LLM_REQUEST_MODEL(F)                                                      \
    LLM_REQUEST_STREAM(F)                                                     \
    F("stream_options", LLM_ROOT, LLM_PICK_RAW, LLM_REQUEST_MAX_OPTIONS,      \
      OPTIONS)                                                                \
    F("include_usage", 2, 0, 0, INCLUDE_USAGE)                                \
    LLM_REQUEST_NUMBER(F, "max_tokens", LLM_ROOT, MAX_ZERO)                   \
    LLM_REQUEST_NUMBER(F, "n", LLM_ROOT, N)                                   \
    LLM_REQUEST_USER(F, "user", LLM_ROOT)

#define LLM_REQUEST_RESPONSES(F)                                              \
    LLM_REQUEST_MODEL(F)                                                      \
    LLM_REQUEST_STREAM(F)                                                     \
    LLM_REQUEST_NUMBER(F, "max_output_tokens", LLM_ROOT, MAX)                 \
    F("previous_response_id", LLM_ROOT, LLM_PICK_RAW,                         \
      llm_request_raw(LLM_REQUEST_MAX_PREVIOUS), PREVIOUS)                    \
    F("background", LLM_ROOT, 0, 0, BACKGROUND)                               \
    LLM_REQUEST_USER(F, "user", LLM_ROOT)                                     \
    LLM_REQUEST_TOOLS(F, "tools")                                             \
    F("text", LLM_ROOT, 0, 0, NONE)                                           \
    F("format", 7, 0, 0, NONE)                                                \
    LLM_REQUEST_WORD(F, "type", 8, FORMAT)

#define LLM_REQUEST_MESSAGES(F)                                               \
    LLM_REQUEST_MODEL(F)                                                      \
    LLM_REQUEST_STREAM(F)                                                     \
    LLM_REQUEST_NUMBER(F, "max_tokens", LLM_ROOT, MAX)                        \
    F("metadata", LLM_ROOT, 0, 0, NONE)                                       \
    LLM_REQUEST_USER(F, "user_id", 3)                                         \
    LLM_REQUEST_TOOLS(F, "tools")                                             \
    F("output_format", LLM_ROOT, 0, 0, NONE)                                  \
    LLM_REQUEST_WORD(F, "type", 6, FORMAT)                                    \
    F("output_config", LLM_ROOT, 0, 0, NONE)                                  \
    F("format", 8, 0, 0, NONE)                                                \
    LLM_REQUEST_WORD(F, "type", 9, FORMAT)

#define LLM_REQUEST_PLAIN(F)                                                  \
    LLM_REQUEST_MODEL(F)                                                      \
    LLM_REQUEST_USER(F, "user", LLM_ROOT)

#define LLM_REQUEST_IMAGES(F)                                                 \
    LLM_REQUEST_MODEL(F)                                                      \
    LLM_REQUEST_STREAM(F)                                                     \
    LLM_REQUEST_NUMBER(F, "n", LLM_ROOT, N)                                   \
    LLM_REQUEST_WORD(F, "size", LLM_ROOT, SIZE)                               \
    LLM_REQUEST_WORD(F, "quality", LLM_ROOT, QUALITY)                         \
    LLM_REQUEST_USER(F, "user", LLM_ROOT)

#define LLM_REQUEST_SPEECH(F)                                                 \
    LLM_REQUEST_MODEL(F)                                                      \
    LLM_REQUEST_STREAM(F)                                                     \
    LLM_REQUEST_WORD(F, "stream_format", LLM_ROOT, STREAM_FORMAT)             \
    F("input", LLM_ROOT, LLM_PICK_RAW|LLM_PICK_LENGTH, LLM_REQUEST_MAX_INPUT, \
      INPUT)

#define LLM_REQUEST_AUDIO(F)                                                  \
    LLM_REQUEST_MODEL(F)                                                      \
    LLM_REQUEST_STREAM(F)

#define LLM_REQUEST_VIDEO(F)                                                  \
    LLM_REQUEST_MODEL(F)                                                      \
    LLM_REQUEST_NUMBER(F, "seconds", LLM_ROOT, SECONDS)                       \
    LLM_REQUEST_WORD(F, "size", LLM_ROOT, SIZE)                               \
    LLM_REQUEST_WORD(F, "quality", LLM_ROOT, QUALITY)                         \
    LLM_REQUEST_USER(F, "user", LLM_ROOT)

/* both spellings of every name are JSON forms of the same protocol buffer */

#define LLM_REQUEST_GENERATE_CONFIG(F, parent)                                \
    LLM_REQUEST_NUMBER(F, "maxOutputTokens", parent, MAX)                     \
    LLM_REQUEST_NUMBER(F, "max_output_tokens", parent, MAX)                   \
    LLM_REQUEST_NUMBER(F, "candidateCount", parent, N)                        \
    LLM_REQUEST_NUMBER(F, "candidate_count", parent, N)                       \
    LLM_REQUEST_WORD(F, "responseMimeType", parent, FORMAT)                   \
    LLM_REQUEST_WORD(F, "response_mime_type", parent, FORMAT)

#define LLM_REQUEST_GENERATE(F)                                               \
    F("generationConfig", LLM_ROOT, 0, 0, NONE)                               \
    F("generation_config", LLM_ROOT, 0, 0, NONE)                              \
    LLM_REQUEST_GENERATE_CONFIG(F, 0)                                         \
    LLM_REQUEST_GENERATE_CONFIG(F, 1)                                         \
    LLM_REQUEST_TOOLS(F, "tools")

#define LLM_REQUEST_LONG(F)                                                   \
    F("parameters", LLM_ROOT, 0, 0, NONE)                                     \
    LLM_REQUEST_NUMBER(F, "durationSeconds", 0, SECONDS)                      \
    LLM_REQUEST_NUMBER(F, "sampleCount", 0, SAMPLES)


#define LLM_REQUEST_PICK(name, parent, flags, limit, read)                    \
    { name, parent, flags, limit },

#define LLM_REQUEST_READ(name, parent, flags, limit, read)                    \
    LLM_READ_##read,

#define LLM_REQUEST_ONE(name, parent, flags, limit, read)  + 1

/* the plain set is the same table, but for its end */

#define llm_request_lists(name, LIST, IMAGES)                                 \
    static const llm_pick_t  llm_request_##name##_picks[] = {                 \
        LIST(LLM_REQUEST_PICK)                                                \
        IMAGES(LLM_REQUEST_PICK)                                              \
    };                                                                        \
                                                                              \
    static const uint8_t  llm_request_##name##_reads[] = {                    \
        LIST(LLM_REQUEST_READ)                                                \
        IMAGES(LLM_REQUEST_READ)                                              \
    };                                                                        \
                                                                              \
    static llm_picks_t  llm_request_##name##_set                              \
        = llm_picks(llm_request_##name##_picks);                              \
                                                                              \
    static llm_picks_t  llm_request_##name##_plain                            \
        = llm_picks_some(llm_request_##name##_picks,                          \
                         0 LIST(LLM_REQUEST_ONE))

llm_request_lists(chat, LLM_REQUEST_CHAT, LLM_REQUEST_CHAT_IMAGES);
llm_request_lists(completions, LLM_REQUEST_COMPLETIONS, LLM_REQUEST_NO_IMAGES);
llm_request_lists(responses, LLM_REQUEST_RESPONSES,
                  LLM_REQUEST_RESPONSES_IMAGES);
llm_request_lists(messages, LLM_REQUEST_MESSAGES, LLM_REQUEST_MESSAGES_IMAGES);
llm_request_lists(count, LLM_REQUEST_MODEL, LLM_REQUEST_NO_IMAGES);
llm_request_lists(plain, LLM_REQUEST_PLAIN, LLM_REQUEST_NO_IMAGES);
llm_request_lists(images, LLM_REQUEST_IMAGES, LLM_REQUEST_NO_IMAGES);
llm_request_lists(speech, LLM_REQUEST_SPEECH, LLM_REQUEST_NO_IMAGES);
llm_request_lists(audio, LLM_REQUEST_AUDIO, LLM_REQUEST_NO_IMAGES);
llm_request_lists(video, LLM_REQUEST_VIDEO, LLM_REQUEST_NO_IMAGES);
llm_request_lists(generate, LLM_REQUEST_GENERATE, LLM_REQUEST_GENERATE_IMAGES);
llm_request_lists(long, LLM_REQUEST_LONG, LLM_REQUEST_NO_IMAGES);


#define llm_request_table(name)                                               \
    { llm_request_##name##_picks, llm_request_##name##_reads,                 \
      sizeof(llm_request_##name##_reads), &llm_request_##name##_set,          \
      &llm_request_##name##_plain }

#define llm_request_nothing   { NULL, NULL, 0, NULL, NULL }

/* in the order of llm_op_e */

const llm_request_table_t  llm_request_tables[LLM_OP_N] = {
    llm_request_nothing,               /* NONE */
    llm_request_table(chat),
    llm_request_table(responses),
    llm_request_nothing,               /* RESPONSE_GET */
    llm_request_nothing,               /* RESPONSE_DELETE */
    llm_request_nothing,               /* RESPONSE_CANCEL */
    llm_request_nothing,               /* RESPONSE_ITEMS */
    llm_request_table(completions),
    llm_request_table(plain),          /* EMBEDDINGS */
    llm_request_table(plain),          /* MODERATIONS */
    llm_request_table(plain),          /* RERANK */
    llm_request_table(images),
    llm_request_table(images),
    llm_request_table(images),
    llm_request_table(speech),
    llm_request_table(audio),          /* TRANSCRIPTIONS */
    llm_request_table(audio),          /* TRANSLATIONS */
    llm_request_table(video),          /* VIDEO_CREATE */
    llm_request_nothing,               /* VIDEO_GET */
    llm_request_nothing,               /* VIDEO_DELETE */
    llm_request_nothing,               /* VIDEO_CONTENT */
    llm_request_nothing,               /* VIDEO_REMIX */
    llm_request_table(messages),
    llm_request_table(count),          /* COUNT_TOKENS */
    llm_request_table(generate),
    llm_request_table(generate),       /* GENERATE_STREAM */
    llm_request_nothing,               /* GEMINI_COUNT */
    llm_request_nothing,               /* GEMINI_EMBED */
    llm_request_nothing,               /* GEMINI_BATCH_EMBED */
    llm_request_table(long),
    llm_request_nothing,               /* OPERATION_GET */
    llm_request_nothing,               /* MODELS */
    llm_request_nothing                /* MODEL */
};


const llm_pick_t *
llm_request_picks(const llm_op_t *op, unsigned *n)
{
    *n = llm_request_tables[op->op].n;

    return llm_request_tables[op->op].picks;
}


llm_scan_t *
llm_request_scan(llm_arena_t *arena, const llm_op_t *op, unsigned images)
{
    const llm_request_table_t  *table;

    table = &llm_request_tables[op->op];

    return llm_scan_open(arena, images ? table->set : table->plain,
                         LLM_SCAN_MEMBERS);
}
