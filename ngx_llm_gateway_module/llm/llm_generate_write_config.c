
/* Gemini's dialect: the settings of a request */


#include "llm_generate.h"
#include "llm_quirk.h"


static void llm_generate_raw(llm_generate_config_t *c, const char *name,
    const llm_str_t *raw);
static void llm_generate_write_sampling(llm_generate_config_t *c);
static void llm_generate_write_stop(llm_generate_config_t *c);
static int llm_generate_write_output(llm_generate_config_t *c);
static int llm_generate_write_modalities(llm_generate_config_t *c,
    llm_error_t *err);
static int llm_generate_write_speech(llm_generate_config_t *c,
    llm_error_t *err);
static unsigned llm_generate_functions(const llm_form_t *form);
static void llm_generate_write_tier(llm_translate_t *x, llm_buf_t *out);
static int llm_generate_extension(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *value, llm_buf_t *out);


int
llm_generate_write_config(llm_translate_t *x, llm_buf_t *out, llm_error_t *err)
{
    int                    rc;
    int64_t                max;
    llm_generate_config_t  c;

    c.x = x;
    c.out = out;
    c.start = out->len;
    c.n = 0;

    llm_buf_puts(out, ",\"generationConfig\":{");

    max = x->form->max_tokens;

    if (max >= 0) {

        if (x->to->max_output > 0 && max > x->to->max_output) {
            max = x->to->max_output;
        }

        llm_generate_name(&c, "maxOutputTokens");
        llm_buf_int(out, max);
    }

    llm_generate_write_sampling(&c);
    llm_generate_write_stop(&c);

    rc = llm_generate_write_output(&c);

    if (rc == LLM_OK) {
        rc = llm_generate_write_modalities(&c, err);
    }

    if (rc != LLM_OK) {
        return rc;
    }

    llm_generate_write_thinking(&c);

    if (c.n == 0) {
        out->len = c.start;

    } else {
        llm_buf_puts(out, "}");
    }

    llm_generate_write_tier(x, out);

    return LLM_OK;
}


void
llm_generate_name(llm_generate_config_t *c, const char *name)
{
    if (c->n++) {
        llm_buf_puts(c->out, ",");
    }

    llm_buf_puts(c->out, "\"");
    llm_buf_puts(c->out, name);
    llm_buf_puts(c->out, "\":");
}


static void
llm_generate_raw(llm_generate_config_t *c, const char *name,
    const llm_str_t *raw)
{
    if (raw->len) {
        llm_generate_name(c, name);
        llm_form_print_raw(c->out, raw);
    }
}


static void
llm_generate_write_sampling(llm_generate_config_t *c)
{
    const llm_form_t  *f;

    f = c->x->form;

    llm_generate_raw(c, "temperature", &f->temperature);
    llm_generate_raw(c, "topP", &f->top_p);
    llm_generate_raw(c, "topK", &f->top_k);
    llm_generate_raw(c, "seed", &f->seed);

    if (!llm_quirk(c->x->to, NO_PENALTY)) {
        llm_generate_raw(c, "presencePenalty", &f->presence_penalty);
        llm_generate_raw(c, "frequencyPenalty", &f->frequency_penalty);

    } else {

        if (f->presence_penalty.len) {
            llm_translate_drop(c->x, "presence_penalty");
        }

        if (f->frequency_penalty.len) {
            llm_translate_drop(c->x, "frequency_penalty");
        }
    }

    if (f->logit_bias.len) {
        llm_translate_drop(c->x, "logit_bias");
    }

    if (f->verbosity.len) {
        llm_translate_drop(c->x, "verbosity");
    }

    if (f->parallel == 0) {
        llm_translate_drop(c->x, "parallel_tool_calls");
    }

    if (f->user.len) {
        llm_translate_drop(c->x, "user");
    }

    if (f->cache_key.len) {
        llm_translate_drop(c->x, "prompt_cache_key");
    }

    if (f->metadata.len) {
        llm_translate_drop(c->x, "metadata");
    }
}


static void
llm_generate_write_stop(llm_generate_config_t *c)
{
    unsigned           n;
    const llm_item_t  *item;

    n = 0;

    for (item = c->x->form->stop; item; item = item->next) {

        if (item->value.len == 0) {
            continue;
        }

        if (n == 5) {

            /* five are all that it takes */

            llm_translate_drop(c->x, "stop");
            break;
        }

        if (n++ == 0) {
            llm_generate_name(c, "stopSequences");
            llm_buf_puts(c->out, "[");

        } else {
            llm_buf_puts(c->out, ",");
        }

        llm_buf_json(c->out, item->value.data, item->value.len);
    }

    if (n) {
        llm_buf_puts(c->out, "]");
    }
}


static int
llm_generate_write_output(llm_generate_config_t *c)
{
    const llm_form_t  *f;

    f = c->x->form;

    if (f->output == LLM_OUTPUT_TEXT || llm_generate_words(c->x)) {
        return LLM_OK;
    }

    llm_generate_name(c, "responseMimeType");
    llm_buf_puts(c->out, "\"application/json\"");

    if (f->output != LLM_OUTPUT_SCHEMA) {
        return LLM_OK;
    }

    if (f->schema_openapi) {
        llm_generate_raw(c, "responseSchema", &f->schema);
        return LLM_OK;
    }

    if (llm_quirk(c->x->to, OPENAPI_SCHEMA)) {
        llm_generate_name(c, "responseSchema");

        return llm_schema_print(c->x->arena, LLM_SCHEMA_OPENAPI, &f->schema,
                                c->out);
    }

    llm_generate_raw(c, "responseJsonSchema", &f->schema);

    return LLM_OK;
}


/* before its third generation Gemini gives no JSON where it has functions */

unsigned
llm_generate_words(const llm_translate_t *x)
{
    return x->form->output != LLM_OUTPUT_TEXT
           && llm_generate_functions(x->form)
           && !llm_quirk(x->to, LEVEL);
}


void
llm_generate_write_words(llm_translate_t *x, llm_buf_t *out)
{
    llm_buf_t          text;
    const llm_form_t  *f;

    f = x->form;

    llm_buf_init(&text, x->arena);

    llm_buf_puts(&text, "Unless you call a function, respond with a single "
                        "JSON object and nothing else.");

    if (f->output == LLM_OUTPUT_SCHEMA) {
        llm_buf_puts(&text, " It must conform to this JSON Schema: ");
        llm_form_print_raw(&text, &f->schema);
    }

    llm_buf_puts(out, "{\"text\":");
    llm_buf_json(out, text.data, text.len);
    llm_buf_puts(out, "}");

    if (text.failed) {
        out->failed = 1;
    }
}


static unsigned
llm_generate_functions(const llm_form_t *form)
{
    const llm_tool_t  *tool;

    for (tool = form->tools; tool; tool = tool->next) {
        if (!tool->search) {
            return 1;
        }
    }

    return 0;
}


static int
llm_generate_write_modalities(llm_generate_config_t *c, llm_error_t *err)
{
    unsigned           image, audio;
    const llm_item_t  *item;

    image = 0;
    audio = 0;

    for (item = c->x->form->modalities; item; item = item->next) {
        image |= llm_str_is(&item->value, "image");
        audio |= llm_str_is(&item->value, "audio");
    }

    if (audio) {
        llm_generate_name(c, "responseModalities");
        llm_buf_puts(c->out, "[\"AUDIO\"]");

        return llm_generate_write_speech(c, err);
    }

    if (image) {
        llm_generate_name(c, "responseModalities");
        llm_buf_puts(c->out, "[\"TEXT\",\"IMAGE\"]");
    }

    return LLM_OK;
}


/* what comes is PCM, and nothing here encodes audio */

static int
llm_generate_write_speech(llm_generate_config_t *c, llm_error_t *err)
{
    llm_str_t         voice, values[2];
    const llm_str_t  *audio;

    static const char *const  names[] = { "format", "voice" };

    audio = &c->x->form->audio;

    llm_member_pick(audio, names, 2, values);

    if (values[0].len && !llm_form_is(&values[0], "pcm16")) {
        return llm_translate_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                    "audio.format", "Gemini speaks \"pcm16\" "
                                    "only");
    }

    if (llm_form_string(c->x->arena, &values[1], &voice) == LLM_NOMEM) {
        return LLM_NOMEM;
    }

    if (voice.len) {
        llm_generate_name(c, "speechConfig");

        llm_buf_puts(c->out, "{\"voiceConfig\":{\"prebuiltVoiceConfig\":"
                             "{\"voiceName\":");
        llm_buf_json(c->out, voice.data, voice.len);
        llm_buf_puts(c->out, "}}}");
    }

    return LLM_OK;
}


static void
llm_generate_write_tier(llm_translate_t *x, llm_buf_t *out)
{
    const llm_str_t  *tier;

    tier = &x->form->service_tier;

    if (tier->len == 0 || llm_str_is(tier, "auto")) {
        return;
    }

    if (!llm_quirk(x->to, VERTEX)) {

        if (llm_str_is(tier, "flex") || llm_str_is(tier, "priority")) {
            llm_buf_puts(out, ",\"serviceTier\":");
            llm_buf_json(out, tier->data, tier->len);
            return;
        }

        if (llm_str_is(tier, "default") || llm_str_is(tier, "standard")
            || llm_str_is(tier, "standard_only"))
        {
            llm_buf_puts(out, ",\"serviceTier\":\"standard\"");
            return;
        }
    }

    llm_translate_drop(x, "service_tier");
}


/* Google's own members, also where OpenAI's clients put such ones */

int
llm_generate_write_extra(llm_translate_t *x, llm_buf_t *out)
{
    int                rc;
    llm_str_t          name, member, value, google[1];
    llm_walk_t         w;
    const llm_item_t  *item;

    static const char *const  names[] = { "google" };

    for (item = x->form->extra; item; item = item->next) {

        if (!llm_str_is(&item->name, "extra_body")) {
            rc = llm_generate_extension(x, &item->name, &item->value, out);

            if (rc != LLM_OK) {
                return rc;
            }

            continue;
        }

        llm_member_pick(&item->value, names, 1, google);

        if (llm_form_type(&google[0]) != LLM_JSON_OBJECT) {
            llm_translate_drop(x, "extra_body");
            continue;
        }

        llm_walk_open(&w, &google[0]);

        while (llm_walk_member(&w, &member, &value)) {

            if (llm_form_string(x->arena, &member, &name) != LLM_OK) {
                return LLM_NOMEM;
            }

            rc = llm_generate_extension(x, &name, &value, out);

            if (rc != LLM_OK) {
                return rc;
            }
        }
    }

    return LLM_OK;
}


static int
llm_generate_extension(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *value, llm_buf_t *out)
{
    unsigned   i;
    llm_str_t  dropped;

    static const struct {
        const char  *snake;
        const char  *camel;
    } known[] = {
        { "safety_settings", "safetySettings" },
        { "cached_content", "cachedContent" },
        { "labels", "labels" },
        { NULL, NULL }
    };

    for (i = 0; known[i].snake; i++) {

        if ((strlen(known[i].snake) == name->len
             && memcmp(name->data, known[i].snake, name->len) == 0)
            || (strlen(known[i].camel) == name->len
                && memcmp(name->data, known[i].camel, name->len) == 0))
        {
            llm_buf_puts(out, ",\"");
            llm_buf_puts(out, known[i].camel);
            llm_buf_puts(out, "\":");
            llm_form_print_raw(out, value);

            return LLM_OK;
        }
    }

    if (llm_str_dup(x->arena, &dropped, name->data, name->len) != LLM_OK) {
        return LLM_NOMEM;
    }

    llm_translate_drop(x, (char *) dropped.data);

    return LLM_OK;
}
