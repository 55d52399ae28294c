
/* operations that are no conversations, at providers of other protocols */


#include "unit.h"
#include "llm_convert.h"
#include "llm_dialect.h"
#include "llm_quirk.h"


static llm_arena_t           *arena;
static llm_convert_t         *c;
static llm_to_t               to;
static llm_translate_conf_t   conf;
static llm_convert_call_t     call;
static llm_convert_answer_t   answer;
static llm_error_t            error;


#define OPENAI   LLM_DIALECT_CHAT, 0
#define XAI      LLM_DIALECT_CHAT, LLM_QUIRK(XAI_VIDEO)
#define GEMINI   LLM_DIALECT_GENERATE, 0
#define VERTEX   LLM_DIALECT_GENERATE, LLM_QUIRK(VERTEX)
#define BEDROCK  LLM_DIALECT_CONVERSE, 0


static void
start(llm_op_e op, llm_dialect_e dialect, uint64_t quirks, const char *model)
{
    if (arena) {
        llm_arena_free(arena);
    }

    arena = llm_arena_create(64 * 1024 * 1024);

    memset(&to, 0, sizeof(to));
    memset(&conf, 0, sizeof(conf));
    memset(&error, 0, sizeof(error));

    to.dialect = dialect;
    to.quirks = quirks;
    to.model = unit_str(model);
    to.max_output = -1;

    conf.id = unit_str("0123456789abcdef");
    conf.model = unit_str("public");
    conf.created = 1700000000;

    c = llm_convert_create(arena, &llm_ops[op], &to, &conf);
}


static llm_str_t
text_of(const llm_buf_t *b)
{
    llm_str_t  s;

    s.data = b->data;
    s.len = b->len;

    return s;
}


/* "METHOD path body", or the refusal's "param: message" */

static llm_str_t
asked_of(const char *body, size_t len, const char *boundary, const char *id,
    const char *args)
{
    int               rc;
    llm_buf_t         out;
    llm_str_t         s;
    llm_json_e        type;
    llm_convert_in_t  in;

    memset(&in, 0, sizeof(in));

    in.body.data = (unsigned char *) body;
    in.body.len = len;
    in.boundary = unit_str(boundary);
    in.id = unit_str(id);
    in.args = unit_str(args);

    llm_buf_init(&out, arena);

    rc = llm_convert_request(c, &in, &call, &error);

    if (rc != LLM_OK) {
        llm_buf_add(&out, error.param.data, error.param.len);
        llm_buf_puts(&out, ": ");
        llm_buf_add(&out, error.message.data, error.message.len);

        return text_of(&out);
    }

    s = text_of(&call.body);

    if (s.len && llm_form_check(arena, &s, &type) != LLM_OK) {
        llm_buf_puts(&out, "no JSON: ");
    }

    llm_buf_add(&out, call.method.data, call.method.len);
    llm_buf_puts(&out, " ");
    llm_buf_add(&out, call.path.data, call.path.len);
    llm_buf_puts(&out, " ");
    llm_buf_add(&out, call.body.data, call.body.len);

    return text_of(&out);
}


static llm_str_t
asked(const char *body)
{
    return asked_of(body, strlen(body), "", "", "");
}


/* the client's body, or "!RC" */

static llm_str_t
answered(const char *body)
{
    int         rc;
    char        text[16];
    llm_str_t   s, copy;
    llm_json_e  type;

    llm_str_dup(arena, &copy, body, strlen(body));

    rc = llm_convert_answer(c, &copy, &answer);

    if (rc != LLM_OK) {
        snprintf(text, sizeof(text), "!%d", rc);
        llm_str_dup(arena, &s, text, strlen(text));
        return s;
    }

    s = text_of(&answer.body);

    if (answer.status == 200 && answer.type.len == 16
        && llm_form_check(arena, &s, &type) != LLM_OK)
    {
        printf("# no JSON: %.*s\n", (int) s.len, (char *) s.data);
        s.len = 0;
    }

    return s;
}


static unsigned
holds(llm_str_t s, const char *text)
{
    size_t  i, len;

    len = strlen(text);

    for (i = 0; i + len <= s.len; i++) {
        if (memcmp(s.data + i, text, len) == 0) {
            return 1;
        }
    }

    return 0;
}


static int64_t
used(llm_usage_e unit)
{
    llm_str_t    raw;
    llm_usage_t  usage;

    if (llm_convert_usage(c, &usage, &raw) != LLM_OK
        || !(usage.known & ((uint32_t) 1 << unit)))
    {
        return -1;
    }

    return usage.units[unit];
}


static void
test_find(void)
{
    unsigned  i;

    static const struct {
        llm_op_e        op;
        llm_dialect_e   dialect;
        uint64_t        quirks;
        llm_convert_e   how;
    } cases[] = {
        { LLM_OP_EMBEDDINGS, OPENAI, LLM_CONVERT_NONE },
        { LLM_OP_EMBEDDINGS, GEMINI, LLM_CONVERT_CALL },
        { LLM_OP_EMBEDDINGS, LLM_DIALECT_MESSAGES, 0, LLM_CONVERT_NONE },
        { LLM_OP_GEMINI_EMBED, GEMINI, LLM_CONVERT_NONE },
        { LLM_OP_GEMINI_EMBED, VERTEX, LLM_CONVERT_CALL },
        { LLM_OP_VIDEO_CREATE, OPENAI, LLM_CONVERT_NONE },
        { LLM_OP_VIDEO_CREATE, XAI, LLM_CONVERT_CALL },
        { LLM_OP_VIDEO_DELETE, GEMINI, LLM_CONVERT_NONE },
        { LLM_OP_COUNT_TOKENS, OPENAI, LLM_CONVERT_LOCAL },
        { LLM_OP_COUNT_TOKENS, GEMINI, LLM_CONVERT_CALL },
        { LLM_OP_GEMINI_COUNT, OPENAI, LLM_CONVERT_LOCAL },
        { LLM_OP_CHAT, GEMINI, LLM_CONVERT_NONE },
        { LLM_OP_RERANK, GEMINI, LLM_CONVERT_NONE }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&to, 0, sizeof(to));
        to.dialect = cases[i].dialect;
        to.quirks = cases[i].quirks;

        is_int(llm_convert_find(&llm_ops[cases[i].op], &to), cases[i].how,
               "how operation %d is served by dialect %d", cases[i].op,
               cases[i].dialect);
    }
}


static void
test_embed(void)
{
    start(LLM_OP_EMBEDDINGS, GEMINI, "e");
    is_str(asked("{\"model\":\"public\",\"input\":[\"a\",\"b\\n\"],"
                 "\"dimensions\":2,\"input_type\":\"search_query\"}"),
           "POST /models/e:batchEmbedContents {\"requests\":[{\"model\":"
           "\"models/e\",\"content\":{\"parts\":[{\"text\":\"a\"}]},"
           "\"taskType\":\"RETRIEVAL_QUERY\",\"outputDimensionality\":2},"
           "{\"model\":\"models/e\",\"content\":{\"parts\":[{\"text\":"
           "\"b\\n\"}]},\"taskType\":\"RETRIEVAL_QUERY\","
           "\"outputDimensionality\":2}]}", "a batch for Gemini");
    is_str(answered("{\"embeddings\":[{\"values\":[0.10,\n -1e-2]},"
                    "{\"values\":[1,2]}],\"usageMetadata\":"
                    "{\"promptTokenCount\":5}}"),
           "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\","
           "\"index\":0,\"embedding\":[0.10,-1e-2]},{\"object\":"
           "\"embedding\",\"index\":1,\"embedding\":[1,2]}],\"model\":"
           "\"public\",\"usage\":{\"prompt_tokens\":5,\"total_tokens\":5}}",
           "numbers are as the provider wrote them");
    is_int(used(LLM_USAGE_INPUT), 5, "tokens are told");

    start(LLM_OP_EMBEDDINGS, GEMINI, "e");
    (void) asked("{\"input\":\"a\",\"encoding_format\":\"base64\"}");
    is_str(answered("{\"embeddings\":[{\"values\":[1,-2.5,0]}]}"),
           "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\","
           "\"index\":0,\"embedding\":\"AACAPwAAIMAAAAAA\"}],\"model\":"
           "\"public\",\"usage\":{\"prompt_tokens\":1,\"total_tokens\":1}}",
           "base64 of little-endian floats; tokens are estimated");

    start(LLM_OP_EMBEDDINGS, GEMINI, "e");
    (void) asked("{\"input\":\"a\",\"encoding_format\":\"base64\"}");
    is_str(answered("{\"embeddings\":[{\"values\":[1e400]}]}"), "!-3",
           "no float is as large");

    start(LLM_OP_EMBEDDINGS, GEMINI, "e");
    (void) asked("{\"input\":[\"a\",\"b\"]}");
    is_str(answered("{\"embeddings\":[{\"values\":[1]}]}"), "!-3",
           "one vector for two texts is no answer");

    start(LLM_OP_EMBEDDINGS, VERTEX, "e");
    is_str(asked("{\"input\":\"a\",\"dimensions\":3}"),
           "POST /models/e:predict {\"instances\":[{\"content\":\"a\"}],"
           "\"parameters\":{\"outputDimensionality\":3}}", "for Vertex AI");
    is_str(answered("{\"predictions\":[{\"embeddings\":{\"values\":[1],"
                    "\"statistics\":{\"token_count\":4}}}]}"),
           "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\","
           "\"index\":0,\"embedding\":[1]}],\"model\":\"public\",\"usage\":"
           "{\"prompt_tokens\":4,\"total_tokens\":4}}", "and back");

    start(LLM_OP_EMBEDDINGS, BEDROCK, "amazon.titan-embed-text-v2:0");
    is_str(asked("{\"input\":[\"a\"],\"dimensions\":256}"),
           "POST /model/amazon.titan-embed-text-v2%3A0/invoke "
           "{\"inputText\":\"a\",\"dimensions\":256}", "for Titan");
    is_str(answered("{\"embedding\":[1],\"inputTextTokenCount\":2}"),
           "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\","
           "\"index\":0,\"embedding\":[1]}],\"model\":\"public\",\"usage\":"
           "{\"prompt_tokens\":2,\"total_tokens\":2}}", "and back");
    is_str(asked("{\"input\":[\"a\",\"b\"]}"),
           "input: Titan embeds one text a request: send them one by one",
           "Titan takes one");

    start(LLM_OP_EMBEDDINGS, BEDROCK, "cohere.embed-v4:0");
    is_str(asked("{\"input\":[\"a\",\"b\"]}"),
           "POST /model/cohere.embed-v4%3A0/invoke {\"texts\":[\"a\",\"b\"],"
           "\"input_type\":\"search_document\",\"embedding_types\":"
           "[\"float\"]}", "for Cohere");
    (void) answered("{\"embeddings\":{\"float\":[[1],[2]]}}");
    is_int(answer.status, 200, "and back");

    start(LLM_OP_GEMINI_EMBED, OPENAI, "text-embedding-3-small");
    is_str(asked("{\"content\":{\"parts\":[{\"text\":\"a\"},{\"text\":\"b\"}]"
                 "},\"output_dimensionality\":8,\"taskType\":\"CLUSTERING\"}"),
           "POST /embeddings {\"model\":\"text-embedding-3-small\",\"input\":"
           "[\"ab\"],\"encoding_format\":\"float\",\"dimensions\":8}",
           "Gemini's clients at OpenAI");
    is_str(llm_convert_dropped(c), "taskType", "who knows no tasks");
    is_str(answered("{\"data\":[{\"embedding\":[1,2]}],\"usage\":"
                    "{\"prompt_tokens\":3}}"),
           "{\"embedding\":{\"values\":[1,2]},\"usageMetadata\":"
           "{\"promptTokenCount\":3}}", "get their shape");

    start(LLM_OP_GEMINI_BATCH_EMBED, VERTEX, "e");
    is_str(asked("{\"requests\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},"
                 "\"title\":\"t\"}]}"),
           "POST /models/e:predict {\"instances\":[{\"content\":\"a\","
           "\"title\":\"t\"}]}", "a batch of Gemini's at Vertex AI");
    is_str(answered("{\"predictions\":[{\"embeddings\":{\"values\":[1]}}]}"),
           "{\"embeddings\":[{\"values\":[1]}],\"usageMetadata\":"
           "{\"promptTokenCount\":1}}", "and back");
}


static void
test_embed_bad(void)
{
    unsigned  i;

    static const struct {
        const char  *body;
        const char  *answer;
    } cases[] = {
        { "{}", "input: \"input\" is missing" },
        { "{\"input\":[]}", "input: \"input\" must not be empty" },
        { "{\"input\":7}", "input: \"input\" must be text or a list of "
                           "texts" },
        { "{\"input\":[1,2]}", "input: the provider of this model takes "
                               "texts, no tokens" },
        { "{\"input\":[[1]]}", "input: the provider of this model takes "
                               "texts, no tokens" },
        { "{\"input\":\"a\",\"encoding_format\":\"int8\"}",
          "encoding_format: it must be \"float\" or \"base64\"" },
        { "{\"input\":\"a\",\"dimensions\":\"8\"}",
          "dimensions: it must be a positive integer" },
        { NULL, NULL }
    };

    for (i = 0; cases[i].body; i++) {
        start(LLM_OP_EMBEDDINGS, GEMINI, "e");
        is_str(asked(cases[i].body), cases[i].answer, "refused: %s",
               cases[i].body);
    }
}


static void
test_count(void)
{
    start(LLM_OP_COUNT_TOKENS, GEMINI, "g");
    is_str(asked("{\"model\":\"public\",\"system\":\"S\",\"messages\":"
                 "[{\"role\":\"user\",\"content\":\"a\"}]}"),
           "POST /models/g:countTokens {\"generateContentRequest\":"
           "{\"model\":\"models/g\",\"systemInstruction\":{\"parts\":"
           "[{\"text\":\"S\"}]},\"contents\":[{\"role\":\"user\","
           "\"parts\":[{\"text\":\"a\"}]}]}}", "Gemini counts for Claude's");
    is_str(answered("\n {\"totalTokens\":31}"), "{\"input_tokens\":31}",
           "in their words");
    is_str(answered("{\"totalTokens\":\"many\"}"), "!-3", "numbers only");

    start(LLM_OP_COUNT_TOKENS, VERTEX, "g");
    is_str(asked("{\"model\":\"public\",\"messages\":[{\"role\":\"user\","
                 "\"content\":\"a\"}],\"temperature\":1}"),
           "POST /models/g:countTokens {\"contents\":[{\"role\":\"user\","
           "\"parts\":[{\"text\":\"a\"}]}]}", "Vertex AI wants no settings");

    start(LLM_OP_COUNT_TOKENS, BEDROCK, "nova");
    is_str(asked("{\"model\":\"public\",\"messages\":[{\"role\":\"user\","
                 "\"content\":\"a\"}],\"temperature\":1}"),
           "POST /model/nova/count-tokens {\"input\":{\"converse\":"
           "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"a\"}]"
           "}]}}}", "Bedrock counts, too");
    is_str(answered("{\"inputTokens\":9}"), "{\"input_tokens\":9}",
           "in its words");

    start(LLM_OP_GEMINI_COUNT, LLM_DIALECT_MESSAGES, LLM_QUIRK(BEDROCK),
          "claude");
    ok(holds(asked("{\"contents\":\"a\"}"),
             "POST /model/claude/count-tokens {\"input\":{\"invokeModel\":"
             "{\"body\":\""), "of Claude by what would be invoked");

    start(LLM_OP_GEMINI_COUNT, LLM_DIALECT_MESSAGES, LLM_QUIRK(VERTEX),
          "claude");
    is_str(asked("{\"contents\":\"a\"}"),
           "POST /models/count-tokens:rawPredict {\"anthropic_version\":"
           "\"vertex-2023-10-16\",\"model\":\"claude\","
           "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
           "\"text\",\"text\":\"a\"}]}]}", "on Vertex AI by its own path");

    start(LLM_OP_GEMINI_COUNT, LLM_DIALECT_MESSAGES, 0, "claude");
    is_str(asked("{\"contents\":\"a\",\"generationConfig\":"
                 "{\"temperature\":1}}"),
           "POST /messages/count_tokens {\"model\":\"claude\",\"messages\":"
           "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
           "\"a\"}]}]}", "Anthropic counts for Gemini's");
    is_str(answered("{\"input_tokens\":9}"), "{\"totalTokens\":9}",
           "in theirs");

    start(LLM_OP_GEMINI_COUNT, VERTEX, "m");
    to.quirks = 0;
    c = llm_convert_create(arena, &llm_ops[LLM_OP_GEMINI_COUNT], &to, &conf);
    is_str(asked("{\"contents\":\"a\"}"),
           "model: this endpoint cannot be served by the provider of this "
           "model", "what is passed as it is is not converted");

    to.dialect = LLM_DIALECT_CHAT;
    c = llm_convert_create(arena, &llm_ops[LLM_OP_GEMINI_COUNT], &to, &conf);

    {
        llm_convert_in_t  in;

        memset(&in, 0, sizeof(in));
        in.body = unit_str("{\"generateContentRequest\":{\"contents\":"
                           "[{\"parts\":[{\"text\":\"what is the capital of "
                           "France?\"}]}]}}");

        is_int(llm_convert_local(c, &in, &answer, &error), LLM_OK,
               "a count is estimated");
        is_str(text_of(&answer.body), "{\"totalTokens\":11}",
               "where nobody counts");
    }
}


static void
test_image(void)
{
    static const char  form[] =
        "--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n"
        "red\r\n--b\r\nContent-Disposition: form-data; name=\"image[]\"; "
        "filename=\"a.png\"\r\n\r\n\x89PNG\r\n" "abcd\r\n--b--\r\n";

    start(LLM_OP_IMAGE_GENERATIONS, GEMINI, "gemini-image");
    is_str(asked("{\"prompt\":\"a cat\",\"size\":\"1536x1024\",\"quality\":"
                 "\"high\",\"n\":1}"),
           "POST /models/gemini-image:generateContent {\"contents\":[{\"role"
           "\":\"user\",\"parts\":[{\"text\":\"a cat\"}]}],"
           "\"generationConfig\":{\"responseModalities\":[\"TEXT\",\"IMAGE\"]"
           ",\"imageConfig\":{\"aspectRatio\":\"3:2\"}}}", "Gemini draws");
    is_str(llm_convert_dropped(c), "quality", "as well as it can");
    is_str(answered("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
                    "\"Here\"},{\"inlineData\":{\"mimeType\":\"image/png\","
                    "\"data\":\"iVBO\"}}]},\"finishReason\":\"STOP\"}],"
                    "\"usageMetadata\":{\"promptTokenCount\":5,"
                    "\"candidatesTokenCount\":1120,\"totalTokenCount\":1125,"
                    "\"candidatesTokensDetails\":[{\"modality\":\"IMAGE\","
                    "\"tokenCount\":1120}]}}"),
           "{\"created\":1700000000,\"data\":[{\"b64_json\":\"iVBO\"}],"
           "\"output_format\":\"png\",\"size\":\"1536x1024\",\"usage\":"
           "{\"input_tokens\":5,\"input_tokens_details\":{\"text_tokens\":5,"
           "\"image_tokens\":0},\"output_tokens\":1120,\"total_tokens\":1125}"
           "}", "and its tokens are told");
    is_int(used(LLM_USAGE_IMAGE_OUTPUT), 1120, "tokens of images");
    is_int(used(LLM_USAGE_IMAGES), -1, "no pieces beside them");

    is_str(answered("{\"candidates\":[{\"finishReason\":\"IMAGE_SAFETY\"}]}"),
           "!-2", "none was drawn");
    is_str(llm_convert_fault(c)->message,
           "the provider made no image: IMAGE_SAFETY", "and why");

    start(LLM_OP_IMAGE_GENERATIONS, VERTEX, "imagen-4");
    is_str(asked("{\"prompt\":\"a\",\"n\":2,\"size\":\"auto\"}"),
           "POST /models/imagen-4:predict {\"instances\":[{\"prompt\":\"a\"}]"
           ",\"parameters\":{\"sampleCount\":2}}", "Imagen draws several");
    is_str(answered("{\"predictions\":[{\"bytesBase64Encoded\":\"AA==\","
                    "\"mimeType\":\"image/png\"},{\"bytesBase64Encoded\":"
                    "\"AQ==\",\"mimeType\":\"image/png\"}]}"),
           "{\"created\":1700000000,\"data\":[{\"b64_json\":\"AA==\"},"
           "{\"b64_json\":\"AQ==\"}],\"output_format\":\"png\",\"size\":"
           "\"auto\"}", "as many as there are");
    is_int(used(LLM_USAGE_IMAGES), 2, "which are counted");

    start(LLM_OP_IMAGE_EDITS, GEMINI, "g");
    is_str(asked("{\"prompt\":\"a\",\"images\":[{\"image_url\":"
                 "\"data:image/png;base64,iVBORw0KGgo=\"}]}"),
           "POST /models/g:generateContent {\"contents\":[{\"role\":\"user\","
           "\"parts\":[{\"text\":\"a\"},{\"inlineData\":{\"mimeType\":"
           "\"image/png\",\"data\":\"iVBORw0KGgo=\"}}]}],"
           "\"generationConfig\":{\"responseModalities\":[\"TEXT\","
           "\"IMAGE\"]}}", "an image is changed");

    start(LLM_OP_IMAGE_EDITS, GEMINI, "g");
    is_str(asked_of(form, sizeof(form) - 1, "b", "", ""),
           "POST /models/g:generateContent {\"contents\":[{\"role\":\"user\","
           "\"parts\":[{\"text\":\"red\"},{\"inlineData\":{\"mimeType\":"
           "\"image/png\",\"data\":\"iVBORw0KYWJjZA==\"}}]}],"
           "\"generationConfig\":{\"responseModalities\":[\"TEXT\","
           "\"IMAGE\"]}}", "one of a form, too");
}


static void
test_image_bad(void)
{
    unsigned  i;

    static const struct {
        const char  *body;
        const char  *param;
    } cases[] = {
        { "{}", "prompt: " },
        { "{\"prompt\":\"a\",\"n\":2}", "n: " },
        { "{\"prompt\":\"a\",\"n\":0}", "n: " },
        { "{\"prompt\":\"a\",\"size\":\"7x13\"}", "size: " },
        { "{\"prompt\":\"a\",\"size\":\"big\"}", "size: " },
        { "{\"prompt\":\"a\",\"stream\":true}", "stream: " },
        { "{\"prompt\":\"a\",\"response_format\":\"url\"}",
          "response_format: " },
        { NULL, NULL }
    };

    llm_str_t  s;

    for (i = 0; cases[i].body; i++) {
        start(LLM_OP_IMAGE_GENERATIONS, GEMINI, "g");
        s = asked(cases[i].body);

        ok(s.len > strlen(cases[i].param)
           && memcmp(s.data, cases[i].param, strlen(cases[i].param)) == 0,
           "refused: %s", cases[i].body);
    }
}


static void
test_speech(void)
{
    start(LLM_OP_SPEECH, GEMINI, "tts");
    is_str(asked("{\"input\":\"Hi\",\"voice\":\"Kore\",\"response_format\":"
                 "\"wav\",\"instructions\":\"Whisper\"}"),
           "POST /models/tts:generateContent {\"contents\":[{\"role\":"
           "\"user\",\"parts\":[{\"text\":\"Whisper:\\nHi\"}]}],"
           "\"generationConfig\":{\"responseModalities\":[\"AUDIO\"],"
           "\"speechConfig\":{\"voiceConfig\":{\"prebuiltVoiceConfig\":"
           "{\"voiceName\":\"Kore\"}}}}}", "Gemini speaks");
    (void) answered("{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData"
                    "\":{\"mimeType\":\"audio/L16;codec=pcm;rate=16000\","
                    "\"data\":\"AQIDBA==\"}}]}}],\"usageMetadata\":"
                    "{\"promptTokenCount\":2,\"candidatesTokenCount\":9,"
                    "\"totalTokenCount\":11}}");
    ok(answer.body.len == 48 && memcmp(answer.body.data, "RIFF", 4) == 0
       && memcmp(answer.body.data + 24, "\x80\x3e\0\0", 4) == 0
       && memcmp(answer.body.data + 44, "\1\2\3\4", 4) == 0,
       "as a file with its rate in it");
    is_str(answer.type, "audio/wav", "of its type");
    is_int(used(LLM_USAGE_OUTPUT), 9, "its tokens are told");

    start(LLM_OP_SPEECH, GEMINI, "tts");
    is_str(asked("{\"input\":\"Hi\",\"voice\":\"Kore\"}"),
           "response_format: it must be \"wav\" or \"pcm\": this model's "
           "provider encodes nothing", "mp3 is refused");
}


static void
test_transcript(void)
{
    static const char  form[] =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; "
        "filename=\"a\"\r\n\r\nRIFF0000WAVE\r\n--b\r\n"
        "Content-Disposition: form-data; name=\"language\"\r\n\r\nde\r\n"
        "--b\r\nContent-Disposition: form-data; name=\"temperature\""
        "\r\n\r\n0.5\r\n--b--\r\n";

    static const char  times[] =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; "
        "filename=\"a\"\r\n\r\nRIFF0000WAVE\r\n--b\r\n"
        "Content-Disposition: form-data; name=\"response_format\"\r\n\r\n"
        "srt\r\n--b--\r\n";

    start(LLM_OP_TRANSCRIPTIONS, GEMINI, "g");
    is_str(asked_of(form, sizeof(form) - 1, "b", "", ""),
           "POST /models/g:generateContent {\"contents\":[{\"role\":\"user\","
           "\"parts\":[{\"text\":\"Transcribe the speech in this audio "
           "verbatim. Respond with the text alone, without comments and time "
           "stamps. The language is de.\"},{\"inlineData\":{\"mimeType\":"
           "\"audio/wav\",\"data\":\"UklGRjAwMDBXQVZF\"}}]}],"
           "\"generationConfig\":{\"temperature\":0.5}}", "Gemini listens");
    is_str(answered("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
                    "\"hm\",\"thought\":true},{\"text\":\"Hallo\"}]}}],"
                    "\"usageMetadata\":{\"promptTokenCount\":9,"
                    "\"candidatesTokenCount\":1,\"totalTokenCount\":10}}"),
           "{\"text\":\"Hallo\",\"usage\":{\"type\":\"tokens\","
           "\"input_tokens\":9,\"output_tokens\":1,\"total_tokens\":10}}",
           "and tells what it heard");

    start(LLM_OP_TRANSCRIPTIONS, GEMINI, "g");
    is_str(asked_of(times, sizeof(times) - 1, "b", "", ""),
           "response_format: it must be \"json\" or \"text\": this model "
           "does not tell when what was said", "but not when");
}


static void
test_video(void)
{
    char       id[256];
    llm_str_t  s;

    start(LLM_OP_VIDEO_CREATE, GEMINI, "veo-3");
    is_str(asked("{\"prompt\":\"a wave\",\"seconds\":\"8\",\"size\":"
                 "\"720x1280\"}"),
           "POST /models/veo-3:predictLongRunning {\"instances\":[{\"prompt"
           "\":\"a wave\"}],\"parameters\":{\"durationSeconds\":8,"
           "\"aspectRatio\":\"9:16\",\"resolution\":\"720p\","
           "\"sampleCount\":1}}", "Veo films");
    is_int(used(LLM_USAGE_VIDEO_SECONDS), 8000, "a job is billed once");

    s = answered("{\"name\":\"models/veo-3/operations/o1\"}");
    ok(answer.sign && s.data[answer.sign] == '"', "its id is to be signed");
    snprintf(id, sizeof(id), "%.*s", (int) answer.id.len,
             (char *) answer.id.data);
    ok(s.len > 12 && memcmp(s.data, "{\"id\":\"video_", 13) == 0,
       "it is OpenAI's job");

    start(LLM_OP_VIDEO_GET, GEMINI, "veo-3");
    is_str(asked_of("", 0, "", id, ""),
           "GET /models/veo-3/operations/o1 ", "the id leads back");
    s = answered("{\"name\":\"models/veo-3/operations/o1\"}");
    ok(holds(s, "\"status\":\"in_progress\",\"progress\":0,"
              "\"created_at\":1700000000,")
       && holds(s, "\"seconds\":\"8\",\"size\":\"720x1280\""),
       "and tells what was asked for");
    is_str(answer.id, id, "it stays the same");
    is_int(used(LLM_USAGE_VIDEO_SECONDS), -1, "a poll is free");

    s = answered("{\"name\":\"n\",\"done\":true,\"error\":{\"code\":3,"
                 "\"message\":\"no\"}}");
    ok(holds(s, "\"status\":\"failed\"")
       && holds(s, "{\"code\":\"3\",\"message\":\"no\"}"),
       "a job may fail");

    s = answered("{\"name\":\"n\",\"done\":true,\"response\":{\"generateVideo"
                 "Response\":{\"raiMediaFilteredCount\":1,"
                 "\"raiMediaFilteredReasons\":[\"faces\"]}}}");
    ok(holds(s, "{\"code\":\"moderation_blocked\",\"message\":"
              "\"faces\"}"), "or be filtered");

    start(LLM_OP_VIDEO_CONTENT, GEMINI, "veo-3");
    (void) asked_of("", 0, "", id, "variant=video");
    (void) answered("{\"name\":\"n\",\"done\":true,\"response\":{\"generate"
                    "VideoResponse\":{\"generatedSamples\":[{\"video\":"
                    "{\"uri\":\"https://evil.example/v1/files/f1:download?alt"
                    "=media&key=k\"}}]}}}");
    ok(answer.again, "the video is a second call");
    is_int(llm_convert_again(c, &call), LLM_OK, "which can be made");
    is_str(text_of(&call.path), "/files/f1:download?alt=media",
           "to the provider itself, wherever the address points");
    ok(call.raw, "and is passed as it comes");
    is_str(answered("{\"name\":\"n\"}"), "!-2", "not before it is done");

    start(LLM_OP_VIDEO_CONTENT, GEMINI, "veo-3");
    is_str(asked_of("", 0, "", id, "variant=thumbnail"),
           "variant: there is only the video", "nor as a picture");

    start(LLM_OP_VIDEO_GET, VERTEX, "veo-3");
    is_str(asked_of("", 0, "", id, ""),
           "POST /models/veo-3:fetchPredictOperation {\"operationName\":"
           "\"models/veo-3/operations/o1\"}", "Vertex AI is asked otherwise");

    start(LLM_OP_VIDEO_CONTENT, VERTEX, "veo-3");
    (void) asked_of("", 0, "", id, "");
    is_str(answered("{\"name\":\"n\",\"done\":true,\"response\":{\"videos\":"
                    "[{\"bytesBase64Encoded\":\"YWJj\",\"mimeType\":"
                    "\"video/mp4\"}]}}"), "abc", "and sends it along");
    is_str(answer.type, "video/mp4", "with its type");

    start(LLM_OP_VIDEO_GET, GEMINI, "veo-3");
    is_str(asked_of("", 0, "", "video_!", ""),
           "id: this is no video of this model's provider", "no such id");
}


static void
test_video_xai(void)
{
    char       id[256];
    llm_str_t  s;

    start(LLM_OP_VIDEO_CREATE, XAI, "grok-imagine-video");
    is_str(asked("{\"prompt\":\"a\"}"),
           "POST /videos/generations {\"model\":\"grok-imagine-video\","
           "\"prompt\":\"a\",\"duration\":4,\"aspect_ratio\":\"16:9\","
           "\"resolution\":\"720p\"}", "xAI films");
    (void) answered("{\"request_id\":\"c84748c1\"}");
    snprintf(id, sizeof(id), "%.*s", (int) answer.id.len,
             (char *) answer.id.data);

    start(LLM_OP_VIDEO_GET, XAI, "grok-imagine-video");
    is_str(asked_of("", 0, "", id, ""), "GET /videos/c84748c1 ", "a poll");
    s = answered("{\"status\":\"pending\",\"progress\":7}");
    ok(holds(s, "\"in_progress\",\"progress\":7,"),
       "it goes on");
    s = answered("{\"status\":\"expired\"}");
    ok(holds(s, "\"failed\"")
       && holds(s, "\"code\":\"expired\""),
       "or is over");

    start(LLM_OP_VIDEO_CONTENT, XAI, "grok-imagine-video");
    (void) asked_of("", 0, "", id, "");
    (void) answered("{\"status\":\"done\",\"video\":{\"url\":"
                    "\"https://vid.example/a.mp4\",\"duration\":1}}");
    is_int(answer.status, 302, "the video is public");
    is_str(answer.location, "https://vid.example/a.mp4", "and elsewhere");
    is_str(answered("{\"status\":\"done\",\"video\":{\"url\":"
                    "\"https://a\\r\\nX: y\"}}"), "!-3",
           "no header comes of it");
    is_str(answered("{\"status\":\"done\",\"video\":{\"url\":"
                    "\"javascript:x\"}}"), "!-3", "nor any other scheme");
}


/* a poll of a route whose model the request's name would tell */

static void
test_video_model(void)
{
    char  id[512];

    start(LLM_OP_VIDEO_CREATE, VERTEX, "veo-3.1");
    (void) asked_of("{\"prompt\":\"x\"}", 14, "", "", "");
    (void) answered("{\"name\":\"projects/p/locations/l/publishers/google/"
                    "models/veo-3.1/operations/7\"}");

    memcpy(id, answer.id.data, answer.id.len);
    id[answer.id.len] = '\0';

    start(LLM_OP_VIDEO_GET, VERTEX, "");
    (void) asked_of("", 0, "", id, "");
    is_str(text_of(&call.path), "/models/veo-3.1:fetchPredictOperation",
           "its operation tells the model");

    start(LLM_OP_VIDEO_CREATE, VERTEX, "veo-3.1");
    (void) asked_of("{\"prompt\":\"x\"}", 14, "", "", "");
    (void) answered("{\"name\":\"operations/7\"}");

    memcpy(id, answer.id.data, answer.id.len);
    id[answer.id.len] = '\0';

    start(LLM_OP_VIDEO_GET, VERTEX, "");
    (void) asked_of("", 0, "", id, "");
    is_int(error.code, LLM_ERROR_BAD_REQUEST, "or nothing does");
}


/* who asks llm_convert_find() goes by the flag of the operation */

static void
test_flags(void)
{
    unsigned        op, i, known;
    const llm_to_t  targets[] = {
        { OPENAI, { 0, NULL }, -1 },
        { XAI, { 0, NULL }, -1 },
        { GEMINI, { 0, NULL }, -1 },
        { VERTEX, { 0, NULL }, -1 },
        { BEDROCK, { 0, NULL }, -1 },
        { LLM_DIALECT_MESSAGES, 0, { 0, NULL }, -1 },
    };

    for (op = 0; op < LLM_OP_N; op++) {
        known = 0;

        for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
            known |= llm_convert_find(&llm_ops[op], &targets[i])
                     != LLM_CONVERT_NONE;
        }

        is_int(known, (llm_ops[op].flags & LLM_OP_CONVERT) != 0,
               "an operation's flag says whether it is ever converted");
    }
}


int
main(void)
{
    plan(0);

    test_find();
    test_flags();
    test_video_model();
    test_embed();
    test_embed_bad();
    test_count();
    test_image();
    test_image_bad();
    test_speech();
    test_transcript();
    test_video();
    test_video_xai();

    llm_arena_free(arena);

    return unit_end();
}
