
/*
 * Speech and transcripts: OpenAI's requests to models of Gemini.  What Gemini
 * speaks is PCM, and nothing here encodes audio; what it hears it tells as
 * text, without times.
 */


#include "llm_base64.h"
#include "llm_convert_upload.h"


#define LLM_SPEECH_RATE  24000       /* samples a second, unless told */


static int llm_speech_request(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err);
static int llm_speech_check(llm_convert_t *c, const llm_upload_t *u,
    llm_error_t *err);
static int llm_speech_answer(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer);
static int llm_speech_part(const llm_str_t *part, llm_buf_t *pcm,
    int64_t *rate);
static int64_t llm_speech_rate(const llm_str_t *mime);
static void llm_speech_header(llm_buf_t *out, size_t len, int64_t rate);
static void llm_speech_word(llm_buf_t *out, uint64_t n, unsigned bytes);
static int llm_transcript_request(llm_convert_t *c,
    const llm_convert_in_t *in, llm_convert_call_t *call, llm_error_t *err);
static int llm_transcript_check(llm_convert_t *c, const llm_upload_t *u,
    llm_error_t *err);
static void llm_transcript_words(llm_convert_t *c, const llm_upload_t *u,
    llm_buf_t *out);
static int llm_transcript_answer(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer);
static int llm_audio_parts(const llm_str_t *body, llm_str_t *parts);


const llm_convert_row_t  llm_convert_audio_rows[] = {

    { LLM_OP_SPEECH, LLM_HOST_GOOGLE, LLM_CONVERT_CALL,
      llm_speech_request, llm_speech_answer, NULL },

    { LLM_OP_TRANSCRIPTIONS, LLM_HOST_GOOGLE, LLM_CONVERT_CALL,
      llm_transcript_request, llm_transcript_answer, NULL },

    { LLM_OP_TRANSLATIONS, LLM_HOST_GOOGLE, LLM_CONVERT_CALL,
      llm_transcript_request, llm_transcript_answer, NULL },

    { LLM_OP_NONE, 0, LLM_CONVERT_NONE, NULL, NULL, NULL }
};


enum {
    SPEECH_INPUT = 0,
    SPEECH_VOICE,
    SPEECH_FORMAT,
    SPEECH_INSTRUCTIONS,
    SPEECH_STREAM,
    SPEECH_SPEED,
    SPEECH_N
};

static const char *const  llm_speech_names[SPEECH_N] = {
    "input", "voice", "response_format", "instructions", "stream_format",
    "speed"
};


static int
llm_speech_request(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err)
{
    int           rc;
    llm_buf_t     text, *out;
    llm_upload_t  u;

    rc = llm_upload_read(c, in, llm_speech_names, SPEECH_N, &u, err);

    if (rc == LLM_OK) {
        rc = llm_speech_check(c, &u, err);
    }

    if (rc != LLM_OK) {
        return rc;
    }

    /* its directions are a part of what it reads */

    llm_buf_init(&text, c->arena);

    if (u.values[SPEECH_INSTRUCTIONS].len) {
        llm_buf_add(&text, u.values[SPEECH_INSTRUCTIONS].data,
                    u.values[SPEECH_INSTRUCTIONS].len);
        llm_buf_puts(&text, ":\n");
    }

    llm_buf_add(&text, u.values[SPEECH_INPUT].data,
                u.values[SPEECH_INPUT].len);

    if (text.failed) {
        return LLM_NOMEM;
    }

    out = &call->body;

    llm_buf_puts(out, "{\"contents\":[{\"role\":\"user\",\"parts\":["
                      "{\"text\":");
    llm_buf_json(out, text.data, text.len);
    llm_buf_puts(out, "}]}],\"generationConfig\":{\"responseModalities\":"
                      "[\"AUDIO\"],\"speechConfig\":{\"voiceConfig\":"
                      "{\"prebuiltVoiceConfig\":{\"voiceName\":");
    llm_buf_json(out, u.values[SPEECH_VOICE].data,
                 u.values[SPEECH_VOICE].len);
    llm_buf_puts(out, "}}}}}");

    return llm_convert_post(c, LLM_OP_GENERATE, call, err);
}


static int
llm_speech_check(llm_convert_t *c, const llm_upload_t *u, llm_error_t *err)
{
    const llm_str_t  *format;

    if (u->types[SPEECH_INPUT] != LLM_JSON_STRING
        || u->values[SPEECH_INPUT].len == 0)
    {
        return llm_convert_refuse(err, LLM_ERROR_MISSING_PARAMETER, "input",
                                  "\"input\" is missing");
    }

    if (u->types[SPEECH_VOICE] != LLM_JSON_STRING
        || u->values[SPEECH_VOICE].len == 0)
    {
        return llm_convert_refuse(err, LLM_ERROR_MISSING_PARAMETER, "voice",
                                  "\"voice\" must name a voice of the "
                                  "model's provider");
    }

    format = &u->values[SPEECH_FORMAT];

    c->wav = llm_str_is(format, "wav");

    if (!c->wav && !llm_str_is(format, "pcm")) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "response_format", "it must be \"wav\" or "
                                  "\"pcm\": this model's provider encodes "
                                  "nothing");
    }

    if (u->types[SPEECH_STREAM] == LLM_JSON_STRING
        && llm_str_is(&u->values[SPEECH_STREAM], "sse"))
    {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "stream_format", "this model's provider "
                                  "does not stream speech");
    }

    if (u->values[SPEECH_SPEED].len && u->types[SPEECH_SPEED]
                                       != LLM_JSON_NULL)
    {
        llm_convert_drop(c, "speed");
    }

    return LLM_OK;
}


static int
llm_speech_answer(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer)
{
    int         rc;
    int64_t     rate;
    llm_buf_t   pcm;
    llm_str_t   part, parts;
    llm_walk_t  w;

    static const llm_str_t  types[] = {
        llm_string("audio/pcm"), llm_string("audio/wav")
    };

    if (llm_audio_parts(body, &parts) != LLM_OK) {
        return LLM_INVALID;
    }

    rate = LLM_SPEECH_RATE;

    llm_buf_init(&pcm, c->arena);
    llm_walk_open(&w, &parts);

    while (llm_walk_element(&w, &part)) {
        rc = llm_speech_part(&part, &pcm, &rate);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (pcm.failed) {
        return LLM_NOMEM;
    }

    if (pcm.len == 0) {
        return LLM_INVALID;
    }

    if (c->wav) {
        llm_speech_header(&answer->body, pcm.len, rate);
        llm_buf_add(&answer->body, pcm.data, pcm.len);

    } else {
        answer->body = pcm;
    }

    answer->status = 200;
    answer->type = types[c->wav];

    llm_convert_read_usage(c, LLM_OP_GENERATE, body);

    return LLM_OK;
}


static int
llm_speech_part(const llm_str_t *part, llm_buf_t *pcm, int64_t *rate)
{
    int64_t    n;
    llm_str_t  data, media[1], values[2];

    static const char *const  names[] = { "inlineData" };
    static const char *const  members[] = { "mimeType", "data" };

    llm_member_pick(part, names, 1, media);
    llm_member_pick(&media[0], members, 2, values);

    if (llm_form_type(&values[1]) != LLM_JSON_STRING) {
        return LLM_OK;
    }

    n = llm_speech_rate(&values[0]);

    if (n < 0) {
        return LLM_INVALID;
    }

    if (n) {
        *rate = n;
    }

    data.data = values[1].data + 1;
    data.len = values[1].len - 2;

    return llm_base64_decode(pcm, &data);
}


/* of "audio/L16;codec=pcm;rate=24000"; 0: not told; -1: another format */

static int64_t
llm_speech_rate(const llm_str_t *mime)
{
    size_t   i;
    int64_t  n;

    if (mime->len < 10
        || (memcmp(mime->data, "\"audio/L16", 10) != 0
            && memcmp(mime->data, "\"audio/l16", 10) != 0
            && memcmp(mime->data, "\"audio/pcm", 10) != 0))
    {
        return -1;
    }

    for (i = 10; i + 5 < mime->len; i++) {

        if (memcmp(mime->data + i, "rate=", 5) != 0) {
            continue;
        }

        n = 0;

        for (i += 5; i < mime->len && mime->data[i] >= '0'
                     && mime->data[i] <= '9' && n < 1000000; i++)
        {
            n = n * 10 + mime->data[i] - '0';
        }

        return n;
    }

    return 0;
}


/* RIFF: one channel, 16 bits, little-endian */

static void
llm_speech_header(llm_buf_t *out, size_t len, int64_t rate)
{
    llm_buf_puts(out, "RIFF");
    llm_speech_word(out, len + 36, 4);
    llm_buf_puts(out, "WAVEfmt ");
    llm_speech_word(out, 16, 4);
    llm_speech_word(out, 1, 2);
    llm_speech_word(out, 1, 2);
    llm_speech_word(out, (uint64_t) rate, 4);
    llm_speech_word(out, (uint64_t) rate * 2, 4);
    llm_speech_word(out, 2, 2);
    llm_speech_word(out, 16, 2);
    llm_buf_puts(out, "data");
    llm_speech_word(out, len, 4);
}


static void
llm_speech_word(llm_buf_t *out, uint64_t n, unsigned bytes)
{
    unsigned char  c;

    for ( /* void */ ; bytes; bytes--, n >>= 8) {
        c = (unsigned char) n;
        llm_buf_add(out, &c, 1);
    }
}


enum {
    TRANSCRIPT_LANGUAGE = 0,
    TRANSCRIPT_PROMPT,
    TRANSCRIPT_FORMAT,
    TRANSCRIPT_TEMPERATURE,
    TRANSCRIPT_STREAM,
    TRANSCRIPT_TIMES,
    TRANSCRIPT_LOGPROBS,
    TRANSCRIPT_N
};

static const char *const  llm_transcript_names[TRANSCRIPT_N] = {
    "language", "prompt", "response_format", "temperature", "stream",
    "timestamp_granularities", "include"
};


static int
llm_transcript_request(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err)
{
    int               rc;
    llm_buf_t         text, *out;
    llm_json_e        type;
    llm_upload_t      u;
    const llm_str_t  *temperature;

    rc = llm_upload_read(c, in, llm_transcript_names, TRANSCRIPT_N, &u, err);

    if (rc == LLM_OK) {
        rc = llm_transcript_check(c, &u, err);
    }

    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_init(&text, c->arena);
    llm_transcript_words(c, &u, &text);

    if (text.failed) {
        return LLM_NOMEM;
    }

    out = &call->body;

    /* with room for the file, so that it is not moved about */

    if (llm_buf_reserve(out, u.files[0].len / 3 * 4 + text.len + 1024)
        != LLM_OK)
    {
        return LLM_NOMEM;
    }

    llm_buf_puts(out, "{\"contents\":[{\"role\":\"user\",\"parts\":["
                      "{\"text\":");
    llm_buf_json(out, text.data, text.len);
    llm_buf_puts(out, "},{\"inlineData\":");

    rc = llm_upload_print(c, &u, 0, "mimeType", "data", out);

    if (rc == LLM_INVALID) {
        return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST, "file",
                                  "this is no audio that is known: send mp3, "
                                  "wav, ogg, flac, m4a or webm");
    }

    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_puts(out, "}]}]");

    temperature = &u.values[TRANSCRIPT_TEMPERATURE];

    if (temperature->len
        && llm_form_check(c->arena, temperature, &type) == LLM_OK
        && type == LLM_JSON_NUMBER)
    {
        llm_buf_puts(out, ",\"generationConfig\":{\"temperature\":");
        llm_form_print_raw(out, temperature);
        llm_buf_puts(out, "}");
    }

    llm_buf_puts(out, "}");

    return llm_convert_post(c, LLM_OP_GENERATE, call, err);
}


static int
llm_transcript_check(llm_convert_t *c, const llm_upload_t *u,
    llm_error_t *err)
{
    const llm_str_t  *format;

    if (u->nfiles != 1) {
        return llm_convert_refuse(err, LLM_ERROR_MISSING_PARAMETER, "file",
                                  "there must be one \"file\" in a form");
    }

    format = &u->values[TRANSCRIPT_FORMAT];

    c->plain = llm_str_is(format, "text");

    if (format->len && !c->plain && !llm_str_is(format, "json")) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "response_format", "it must be \"json\" or "
                                  "\"text\": this model does not tell when "
                                  "what was said");
    }

    if (u->values[TRANSCRIPT_TIMES].len) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "timestamp_granularities", "this model "
                                  "does not tell when what was said");
    }

    if (u->values[TRANSCRIPT_LOGPROBS].len) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "include", "probabilities of tokens are "
                                  "not translated");
    }

    if (llm_str_is(&u->values[TRANSCRIPT_STREAM], "true")) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  "stream", "transcripts of this model come "
                                  "at once");
    }

    return LLM_OK;
}


static void
llm_transcript_words(llm_convert_t *c, const llm_upload_t *u, llm_buf_t *out)
{
    if (c->client->op == LLM_OP_TRANSLATIONS) {
        llm_buf_puts(out, "Translate the speech in this audio into English.");

    } else {
        llm_buf_puts(out, "Transcribe the speech in this audio verbatim.");
    }

    llm_buf_puts(out, " Respond with the text alone, without comments and "
                      "time stamps.");

    if (u->values[TRANSCRIPT_LANGUAGE].len) {
        llm_buf_puts(out, " The language is ");
        llm_buf_add(out, u->values[TRANSCRIPT_LANGUAGE].data,
                    u->values[TRANSCRIPT_LANGUAGE].len);
        llm_buf_puts(out, ".");
    }

    if (u->values[TRANSCRIPT_PROMPT].len) {
        llm_buf_puts(out, " For spelling and style follow this: ");
        llm_buf_add(out, u->values[TRANSCRIPT_PROMPT].data,
                    u->values[TRANSCRIPT_PROMPT].len);
    }
}


static int
llm_transcript_answer(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer)
{
    llm_buf_t   text, *out;
    llm_str_t   part, parts, values[2];
    llm_walk_t  w;

    static const llm_str_t    plain = llm_string("text/plain; charset=utf-8");
    static const char *const  names[] = { "text", "thought" };

    if (llm_audio_parts(body, &parts) != LLM_OK) {
        return LLM_INVALID;
    }

    llm_buf_init(&text, c->arena);
    llm_walk_open(&w, &parts);

    while (llm_walk_element(&w, &part)) {
        llm_member_pick(&part, names, 2, values);

        if (!llm_member_true(&values[1])) {
            (void) llm_form_unescape(&text, &values[0]);
        }
    }

    if (text.failed) {
        return LLM_NOMEM;
    }

    llm_convert_read_usage(c, LLM_OP_GENERATE, body);

    out = &answer->body;

    llm_convert_json(answer);

    if (c->plain) {
        answer->type = plain;
        llm_buf_add(out, text.data, text.len);
        llm_buf_puts(out, "\n");

        return LLM_OK;
    }

    llm_buf_puts(out, "{\"text\":");
    llm_buf_json(out, text.data, text.len);

    if (c->has_usage) {
        llm_buf_puts(out, ",\"usage\":{\"type\":\"tokens\","
                          "\"input_tokens\":");
        llm_buf_int(out, llm_usage_input(&c->usage));
        llm_buf_puts(out, ",\"output_tokens\":");
        llm_buf_int(out, llm_usage_output(&c->usage));
        llm_buf_puts(out, ",\"total_tokens\":");
        llm_buf_int(out, llm_usage_input(&c->usage)
                         + llm_usage_output(&c->usage));
        llm_buf_puts(out, "}");
    }

    llm_buf_puts(out, "}");

    return LLM_OK;
}


/* the parts of the first candidate, an array; LLM_DECLINED: there are none */

static int
llm_audio_parts(const llm_str_t *body, llm_str_t *parts)
{
    llm_str_t   value, candidates[1], content[1];
    llm_walk_t  w;

    static const char *const  names[] = { "candidates" };
    static const char *const  members[] = { "content" };
    static const char *const  lists[] = { "parts" };

    llm_member_pick(body, names, 1, candidates);

    if (llm_form_type(&candidates[0]) != LLM_JSON_ARRAY) {
        return LLM_DECLINED;
    }

    llm_walk_open(&w, &candidates[0]);

    if (!llm_walk_element(&w, &value)) {
        return LLM_DECLINED;
    }

    llm_member_pick(&value, members, 1, content);
    llm_member_pick(&content[0], lists, 1, parts);

    return llm_form_type(parts) == LLM_JSON_ARRAY ? LLM_OK : LLM_DECLINED;
}
