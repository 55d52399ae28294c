
/* Gemini's dialect: a client's request, its settings and its tools */


#include "llm_generate.h"


static int llm_generate_read_output(llm_generate_read_t *r,
    const llm_str_t *values);
static int llm_generate_read_counts(llm_generate_read_t *r,
    const llm_str_t *values);
static int llm_generate_read_number(llm_generate_read_t *r,
    const llm_str_t *raw, const char *param, llm_str_t *out);
static int llm_generate_read_strings(llm_generate_read_t *r,
    const llm_str_t *raw, const char *param, unsigned lower,
    llm_item_t **list);
static int llm_generate_read_thinking(llm_generate_read_t *r,
    const llm_str_t *raw);
static int llm_generate_read_tool(llm_generate_read_t *r,
    const llm_str_t *raw);
static int llm_generate_read_function(llm_generate_read_t *r,
    const llm_str_t *raw);
static int llm_generate_config_bad(llm_generate_read_t *r, const char *param,
    const char *message);
static int llm_generate_lower(llm_generate_read_t *r, llm_str_t *s);


enum {
    CONFIG_MAX_TOKENS = 0,
    CONFIG_TEMPERATURE,
    CONFIG_TOP_P,
    CONFIG_TOP_K,
    CONFIG_SEED,
    CONFIG_PRESENCE,
    CONFIG_FREQUENCY,
    CONFIG_STOP,
    CONFIG_N,
    CONFIG_LOGPROBS,
    CONFIG_TOP_LOGPROBS,
    CONFIG_MIME,
    CONFIG_SCHEMA,
    CONFIG_JSON_SCHEMA,
    CONFIG_MODALITIES,
    CONFIG_THINKING,
    CONFIG_SPEECH,
    CONFIG_MEDIA,
    CONFIG_IMAGE,
    CONFIG_ROUTING,
    CONFIG_N_MEMBERS
};

static const char *const  llm_generate_config[CONFIG_N_MEMBERS] = {
    "maxOutputTokens", "temperature", "topP", "topK", "seed",
    "presencePenalty", "frequencyPenalty", "stopSequences", "candidateCount",
    "responseLogprobs", "logprobs", "responseMimeType", "responseSchema",
    "responseJsonSchema", "responseModalities", "thinkingConfig",
    "speechConfig", "mediaResolution", "imageConfig", "routingConfig"
};


#define llm_generate_param(member)  "generationConfig." member


int
llm_generate_read_config(llm_generate_read_t *r, const llm_str_t *raw)
{
    int          rc;
    unsigned     i;
    llm_str_t    values[CONFIG_N_MEMBERS];
    llm_form_t  *f;

    static const struct {
        unsigned     member;
        size_t       offset;
        const char  *param;
    } numbers[] = {
        { CONFIG_TEMPERATURE, offsetof(llm_form_t, temperature),
          llm_generate_param("temperature") },
        { CONFIG_TOP_P, offsetof(llm_form_t, top_p),
          llm_generate_param("topP") },
        { CONFIG_TOP_K, offsetof(llm_form_t, top_k),
          llm_generate_param("topK") },
        { CONFIG_SEED, offsetof(llm_form_t, seed),
          llm_generate_param("seed") },
        { CONFIG_PRESENCE, offsetof(llm_form_t, presence_penalty),
          llm_generate_param("presencePenalty") },
        { CONFIG_FREQUENCY, offsetof(llm_form_t, frequency_penalty),
          llm_generate_param("frequencyPenalty") },
        { CONFIG_TOP_LOGPROBS, offsetof(llm_form_t, top_logprobs),
          llm_generate_param("logprobs") }
    };

    if (llm_form_type(raw) != LLM_JSON_OBJECT) {
        return llm_generate_config_bad(r, "generationConfig",
                                       "\"generationConfig\" must be an "
                                       "object");
    }

    f = r->form;

    llm_member_pick(raw, llm_generate_config, CONFIG_N_MEMBERS, values);

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        rc = llm_generate_read_number(r, &values[numbers[i].member],
                                      numbers[i].param,
                                      (llm_str_t *) ((char *) f
                                                     + numbers[i].offset));
        if (rc != LLM_OK) {
            return rc;
        }
    }

    rc = llm_generate_read_counts(r, values);

    if (rc == LLM_OK) {
        rc = llm_generate_read_strings(r, &values[CONFIG_STOP],
                                       llm_generate_param("stopSequences"), 0,
                                       &f->stop);
    }

    if (rc == LLM_OK) {
        rc = llm_generate_read_strings(r, &values[CONFIG_MODALITIES],
                                     llm_generate_param("responseModalities"),
                                       1, &f->modalities);
    }

    if (rc == LLM_OK) {
        rc = llm_generate_read_thinking(r, &values[CONFIG_THINKING]);
    }

    for (i = CONFIG_SPEECH; rc == LLM_OK && i < CONFIG_N_MEMBERS; i++) {
        if (values[i].len) {
            rc = llm_form_drop(f, llm_generate_config[i]);
        }
    }

    return rc == LLM_OK ? llm_generate_read_output(r, values) : rc;
}


static int
llm_generate_read_counts(llm_generate_read_t *r, const llm_str_t *values)
{
    llm_form_t  *f;

    f = r->form;

    if (values[CONFIG_MAX_TOKENS].len) {
        f->max_tokens = llm_member_count(&values[CONFIG_MAX_TOKENS]);

        if (f->max_tokens < 0) {
            return llm_generate_config_bad(r,
                                         llm_generate_param("maxOutputTokens"),
                                         "this must be a positive integer");
        }
    }

    if (values[CONFIG_N].len) {
        f->n = llm_member_count(&values[CONFIG_N]);

        if (f->n < 1) {
            return llm_generate_config_bad(r,
                                         llm_generate_param("candidateCount"),
                                         "this must be a positive integer");
        }
    }

    if (values[CONFIG_LOGPROBS].len) {
        f->logprobs = (int) llm_member_true(&values[CONFIG_LOGPROBS]);
    }

    return LLM_OK;
}


static int
llm_generate_read_output(llm_generate_read_t *r, const llm_str_t *values)
{
    const llm_str_t  *mime, *schema;

    mime = &values[CONFIG_MIME];

    schema = values[CONFIG_JSON_SCHEMA].len ? &values[CONFIG_JSON_SCHEMA]
                                            : &values[CONFIG_SCHEMA];

    if (mime->len == 0 || llm_form_is(mime, "text/plain")) {
        return LLM_OK;
    }

    if (!llm_form_is(mime, "application/json")
        && !llm_form_is(mime, "text/x.enum"))
    {
        return llm_translate_refuse(r->err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                    llm_generate_param("responseMimeType"),
                                    "only text/plain, application/json and "
                                    "text/x.enum can be translated");
    }

    if (schema->len == 0) {
        r->form->output = LLM_OUTPUT_JSON;
        return LLM_OK;
    }

    if (llm_form_type(schema) != LLM_JSON_OBJECT) {
        return llm_generate_config_bad(r, llm_generate_param("responseSchema"),
                                       "the schema must be an object");
    }

    r->form->output = LLM_OUTPUT_SCHEMA;
    r->form->schema = *schema;
    r->form->schema_openapi = (schema == &values[CONFIG_SCHEMA]);

    return LLM_OK;
}


/* numbers stay text; a string with one is what JSON of protocol buffers is */

static int
llm_generate_read_number(llm_generate_read_t *r, const llm_str_t *raw,
    const char *param, llm_str_t *out)
{
    if (raw->len == 0) {
        return LLM_OK;
    }

    if (llm_form_type(raw) != LLM_JSON_NUMBER) {
        return llm_generate_config_bad(r, param, "this must be a number");
    }

    *out = *raw;

    return LLM_OK;
}


static int
llm_generate_read_strings(llm_generate_read_t *r, const llm_str_t *raw,
    const char *param, unsigned lower, llm_item_t **list)
{
    int         rc;
    unsigned    n;
    llm_str_t   value, text;
    llm_walk_t  w;

    if (raw->len == 0) {
        return LLM_OK;
    }

    llm_member_list(&w, raw);

    for (n = 0; llm_walk_element(&w, &value); n++) {

        if (n == 256) {
            return llm_generate_config_bad(r, param, "the list is too long");
        }

        rc = llm_generate_read_string(r, &value, param, &text);

        if (rc == LLM_OK && lower) {
            rc = llm_generate_lower(r, &text);
        }

        if (rc == LLM_OK) {
            rc = llm_form_item(r->form, list, NULL, &text);
        }

        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


static int
llm_generate_read_thinking(llm_generate_read_t *r, const llm_str_t *raw)
{
    int          rc;
    int64_t      n;
    llm_str_t    level, values[3];
    llm_form_t  *f;

    static const char *const  names[] = {
        "includeThoughts", "thinkingBudget", "thinkingLevel"
    };

    f = r->form;

    llm_member_pick(raw, names, 3, values);

    f->thoughts = llm_member_true(&values[0]) ? 1 : 0;

    if (values[1].len) {

        if (llm_form_is(&values[1], "-1")
            || (values[1].len == 2 && memcmp(values[1].data, "-1", 2) == 0))
        {
            f->adaptive = 1;

        } else {
            n = llm_member_count(&values[1]);

            if (n < 0) {
                return llm_generate_config_bad(r,
                           llm_generate_param("thinkingConfig.thinkingBudget"),
                           "this must be an integer, or -1");
            }

            f->budget = n;
        }
    }

    if (values[2].len == 0) {
        return LLM_OK;
    }

    rc = llm_generate_read_string(r, &values[2],
                            llm_generate_param("thinkingConfig.thinkingLevel"),
                                  &level);
    if (rc == LLM_OK) {
        rc = llm_generate_lower(r, &level);
    }

    if (rc == LLM_OK) {
        f->effort = llm_effort_by_name(&level);
    }

    return rc;
}


int
llm_generate_read_tools(llm_generate_read_t *r, const llm_str_t *raw)
{
    int         rc;
    llm_str_t   value;
    llm_walk_t  w;

    llm_member_list(&w, raw);

    while (llm_walk_element(&w, &value)) {
        rc = llm_generate_read_tool(r, &value);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


static int
llm_generate_read_tool(llm_generate_read_t *r, const llm_str_t *raw)
{
    int          rc;
    unsigned     i;
    llm_str_t    name, value, function;
    llm_tool_t  *tool;
    llm_walk_t   w, functions;

    static llm_str_t          search = llm_string("googleSearch");
    static const char *const  dropped[] = {
        "codeExecution", "urlContext", "googleMaps", "googleSearchRetrieval",
        "retrieval", "enterpriseWebSearch", "computerUse", "fileSearch", NULL
    };

    if (llm_form_type(raw) != LLM_JSON_OBJECT) {
        return llm_generate_config_bad(r, "tools", "a tool must be an object");
    }

    llm_walk_open(&w, raw);

    while (llm_walk_member(&w, &name, &value)) {

        if (llm_form_type(&value) == LLM_JSON_NULL) {
            continue;
        }

        rc = LLM_OK;

        if (llm_member_is(&name, "functionDeclarations")) {
            llm_member_list(&functions, &value);

            while (rc == LLM_OK && llm_walk_element(&functions, &function)) {
                rc = llm_generate_read_function(r, &function);
            }

        } else if (llm_member_is(&name, "googleSearch")) {
            tool = llm_form_tool(r->form);
            if (tool == NULL) {
                return LLM_NOMEM;
            }

            tool->name = search;
            tool->search = 1;

        } else {

            for (i = 0; dropped[i]; i++) {
                if (llm_member_is(&name, dropped[i])) {
                    rc = llm_form_drop(r->form, dropped[i]);
                    break;
                }
            }
        }

        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


static int
llm_generate_read_function(llm_generate_read_t *r, const llm_str_t *raw)
{
    int               rc;
    llm_str_t         values[4];
    llm_tool_t       *tool;
    const llm_str_t  *schema;

    static const char *const  names[] = {
        "name", "description", "parameters", "parametersJsonSchema"
    };

    llm_member_pick(raw, names, 4, values);

    tool = llm_form_tool(r->form);
    if (tool == NULL) {
        return LLM_NOMEM;
    }

    rc = llm_form_string(r->form->arena, &values[0], &tool->name);

    if (rc == LLM_INVALID || (rc == LLM_OK && tool->name.len == 0)) {
        return llm_generate_config_bad(r, "tools.functionDeclarations.name",
                                       "a function must have a name");
    }

    if (rc == LLM_OK && values[1].len) {
        rc = llm_generate_read_string(r, &values[1],
                                      "tools.functionDeclarations.description",
                                      &tool->description);
    }

    if (rc != LLM_OK) {
        return rc;
    }

    schema = values[3].len ? &values[3] : &values[2];

    if (schema->len == 0) {
        return LLM_OK;
    }

    if (llm_form_type(schema) != LLM_JSON_OBJECT) {
        return llm_generate_config_bad(r,
                                       "tools.functionDeclarations.parameters",
                                       "the schema must be an object");
    }

    tool->schema = *schema;
    tool->openapi = (schema == &values[2]);

    return LLM_OK;
}


int
llm_generate_read_choice(llm_generate_read_t *r, const llm_str_t *raw)
{
    int          rc;
    llm_str_t    values[1], mode[2];
    llm_form_t  *f;
    llm_item_t  *allowed;

    static const char *const  names[] = { "functionCallingConfig" };
    static const char *const  members[] = { "mode", "allowedFunctionNames" };

    f = r->form;

    llm_member_pick(raw, names, 1, values);
    llm_member_pick(&values[0], members, 2, mode);

    allowed = NULL;

    rc = llm_generate_read_strings(r, &mode[1],
                       "toolConfig.functionCallingConfig.allowedFunctionNames",
                                   0, &allowed);
    if (rc != LLM_OK) {
        return rc;
    }

    if (mode[0].len == 0 || llm_form_is(&mode[0], "MODE_UNSPECIFIED")) {
        return LLM_OK;
    }

    if (llm_form_is(&mode[0], "NONE")) {
        f->choice = LLM_CHOICE_NONE;
        return LLM_OK;
    }

    if (llm_form_is(&mode[0], "AUTO") || llm_form_is(&mode[0], "VALIDATED")) {
        f->choice = LLM_CHOICE_AUTO;

    } else if (!llm_form_is(&mode[0], "ANY")) {
        return llm_generate_config_bad(r,
                                       "toolConfig.functionCallingConfig.mode",
                                       "the mode must be AUTO, ANY, NONE or "
                                       "VALIDATED");

    } else if (allowed && allowed->next == NULL) {
        f->choice = LLM_CHOICE_TOOL;
        f->choice_name = allowed->value;

        return LLM_OK;

    } else {
        f->choice = LLM_CHOICE_REQUIRED;
    }

    /* the names of a list of items are their names */

    for (f->allowed = allowed; allowed; allowed = allowed->next) {
        allowed->name = allowed->value;
    }

    return LLM_OK;
}


static int
llm_generate_config_bad(llm_generate_read_t *r, const char *param,
    const char *message)
{
    return llm_translate_refuse(r->err, LLM_ERROR_BAD_REQUEST, param, message);
}


static int
llm_generate_lower(llm_generate_read_t *r, llm_str_t *s)
{
    size_t     i;
    llm_str_t  copy;

    if (llm_str_dup(r->form->arena, &copy, s->data, s->len) != LLM_OK) {
        return LLM_NOMEM;
    }

    for (i = 0; i < copy.len; i++) {

        if (copy.data[i] >= 'A' && copy.data[i] <= 'Z') {
            copy.data[i] |= 0x20;
        }
    }

    *s = copy;

    return LLM_OK;
}
