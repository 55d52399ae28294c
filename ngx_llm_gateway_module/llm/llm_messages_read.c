
/* a client's Messages request, read into the form */


#include "llm_messages.h"

#include <stdio.h>


typedef struct {
    llm_str_t    name;

    /* value is never null */
    int        (*read)(llm_form_t *form, const llm_str_t *value,
                       llm_error_t *err);
} llm_messages_member_t;


static int llm_messages_read(llm_form_t *form, const llm_str_t *body,
    llm_error_t *err);
static unsigned llm_messages_member(llm_form_t *form, const llm_str_t *raw,
    llm_str_t *name);
static int llm_messages_text(llm_form_t *form, const llm_str_t *object,
    const char *name, llm_str_t *out);
static int llm_messages_read_system(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_messages_read_messages(llm_form_t *form,
    const llm_str_t *value, llm_error_t *err);
static int llm_messages_read_message(llm_form_t *form, const llm_str_t *value,
    unsigned n, llm_error_t *err);
static int llm_messages_read_max(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_messages_read_stream(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_messages_read_temperature(llm_form_t *form,
    const llm_str_t *value, llm_error_t *err);
static int llm_messages_read_top_p(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_messages_read_top_k(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_messages_read_number(const llm_str_t *value, const char *name,
    llm_str_t *to, llm_error_t *err);
static int llm_messages_read_stop(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_messages_read_thinking(llm_form_t *form,
    const llm_str_t *value, llm_error_t *err);
static int llm_messages_read_output(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_messages_read_format(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_messages_read_metadata(llm_form_t *form,
    const llm_str_t *value, llm_error_t *err);
static int llm_messages_read_tier(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_messages_read_thread(llm_form_t *form,
    const llm_str_t *value, llm_error_t *err);
static int llm_messages_read_nothing(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);


/* read in this order, whatever theirs is in the text */

static const llm_messages_member_t  llm_messages_members[] = {
    { llm_string("system"),         llm_messages_read_system },
    { llm_string("messages"),       llm_messages_read_messages },
    { llm_string("tools"),          llm_messages_read_tools },
    { llm_string("tool_choice"),    llm_messages_read_choice },
    { llm_string("max_tokens"),     llm_messages_read_max },
    { llm_string("stream"),         llm_messages_read_stream },
    { llm_string("temperature"),    llm_messages_read_temperature },
    { llm_string("top_p"),          llm_messages_read_top_p },
    { llm_string("top_k"),          llm_messages_read_top_k },
    { llm_string("stop_sequences"), llm_messages_read_stop },
    { llm_string("thinking"),       llm_messages_read_thinking },
    { llm_string("output_config"),  llm_messages_read_output },
    { llm_string("output_format"),  llm_messages_read_format },
    { llm_string("metadata"),       llm_messages_read_metadata },
    { llm_string("service_tier"),   llm_messages_read_tier },
    { llm_string("thread"),         llm_messages_read_thread },
    { llm_string("model"),          llm_messages_read_nothing }
};

#define LLM_MESSAGES_MEMBERS                                                  \
    (sizeof(llm_messages_members) / sizeof(llm_messages_members[0]))


const llm_dialect_t  llm_dialect_messages = {
    LLM_DIALECT_MESSAGES,

    llm_messages_read,
    llm_messages_print,
    llm_messages_print_part,
    sizeof(llm_messages_printer_t),

    llm_messages_write,
    llm_messages_read_answer,
    llm_messages_read_event,
    llm_messages_read_end,
    sizeof(llm_messages_reader_t)
};


static int
llm_messages_read(llm_form_t *form, const llm_str_t *body, llm_error_t *err)
{
    int         rc;
    unsigned    i;
    llm_str_t   object, raw, name, value;
    llm_str_t   values[LLM_MESSAGES_MEMBERS];
    llm_walk_t  w;

    memset(values, 0, sizeof(values));

    llm_walk_text(&w, body->data, body->len);

    if (!llm_walk_element(&w, &object)
        || llm_form_type(&object) != LLM_JSON_OBJECT)
    {
        return llm_translate_refuse(err, LLM_ERROR_INVALID_JSON, "",
                                    "the body is no JSON object");
    }

    llm_walk_open(&w, &object);

    while (llm_walk_member(&w, &raw, &value)) {

        i = llm_messages_member(form, &raw, &name);

        if (i < LLM_MESSAGES_MEMBERS) {
            values[i] = value;
            continue;
        }

        if (name.data == NULL || llm_form_extra(form, &name, &value) != LLM_OK)
        {
            return LLM_NOMEM;
        }
    }

    for (i = 0; i < LLM_MESSAGES_MEMBERS; i++) {

        if (llm_form_type(&values[i]) <= LLM_JSON_NULL) {
            continue;
        }

        rc = llm_messages_members[i].read(form, &values[i], err);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (form->turns == NULL) {
        return llm_translate_refuse(err, LLM_ERROR_MISSING_PARAMETER,
                                    "messages", "messages: field required");
    }

    return LLM_OK;
}


/* its row, or the number of them and its name; no name without memory */

static unsigned
llm_messages_member(llm_form_t *form, const llm_str_t *raw, llm_str_t *name)
{
    unsigned          i;
    const llm_str_t  *known;

    if (llm_form_string(form->arena, raw, name) != LLM_OK) {
        name->data = NULL;
        return LLM_MESSAGES_MEMBERS;
    }

    for (i = 0; i < LLM_MESSAGES_MEMBERS; i++) {
        known = &llm_messages_members[i].name;

        if (known->len == name->len
            && memcmp(known->data, name->data, name->len) == 0)
        {
            break;
        }
    }

    return i;
}


static int
llm_messages_text(llm_form_t *form, const llm_str_t *object, const char *name,
    llm_str_t *out)
{
    llm_str_t  value;

    out->len = 0;
    out->data = NULL;

    if (llm_form_member(object, name, &value) != LLM_OK
        || llm_form_type(&value) != LLM_JSON_STRING)
    {
        return LLM_OK;
    }

    return llm_form_string(form->arena, &value, out);
}


llm_cache_e
llm_messages_cache(const llm_str_t *value)
{
    llm_str_t  ttl;

    if (llm_form_type(value) != LLM_JSON_OBJECT) {
        return LLM_CACHE_NONE;
    }

    if (llm_form_member(value, "ttl", &ttl) == LLM_OK
        && llm_form_is(&ttl, "1h"))
    {
        return LLM_CACHE_1H;
    }

    return LLM_CACHE_5M;
}


static int
llm_messages_read_system(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    int           rc;
    llm_turn_t   *turn;
    llm_block_t  *first;

    turn = llm_form_turn(form, LLM_ROLE_SYSTEM);
    if (turn == NULL) {
        return LLM_NOMEM;
    }

    rc = llm_messages_read_content(form, turn, value, "system", err);

    if (rc != LLM_OK) {
        return rc;
    }

    first = turn->blocks;

    if (first && llm_form_billing(first)) {
        turn->blocks = first->next;

        if (turn->blocks == NULL) {
            turn->last = &turn->blocks;
        }
    }

    return LLM_OK;
}


static int
llm_messages_read_messages(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    int         rc;
    unsigned    n;
    llm_str_t   element;
    llm_walk_t  w;

    if (llm_form_type(value) != LLM_JSON_ARRAY) {
        return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST, "messages",
                                    "messages: an array is expected");
    }

    llm_walk_open(&w, value);

    for (n = 0; llm_walk_element(&w, &element); n++) {
        rc = llm_messages_read_message(form, &element, n, err);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (n == 0) {
        return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST, "messages",
                                    "messages: at least one is needed");
    }

    return LLM_OK;
}


static int
llm_messages_read_message(llm_form_t *form, const llm_str_t *value,
    unsigned n, llm_error_t *err)
{
    char         path[sizeof("messages[4294967295].content")];
    llm_str_t    role, content;
    llm_role_e   as;
    llm_turn_t  *turn;

    (void) llm_form_member(value, "role", &role);

    if (llm_form_is(&role, "user")) {
        as = LLM_ROLE_USER;

    } else if (llm_form_is(&role, "assistant")) {
        as = LLM_ROLE_ASSISTANT;

    } else if (llm_form_is(&role, "system")) {
        as = LLM_ROLE_SYSTEM;

    } else {
        (void) snprintf(path, sizeof(path), "messages[%u].role", n);

        return llm_messages_refuse(form, err, path,
                                   "\"user\", \"assistant\" or \"system\" is "
                                   "expected");
    }

    (void) snprintf(path, sizeof(path), "messages[%u].content", n);

    if (llm_form_member(value, "content", &content) != LLM_OK) {
        return llm_messages_refuse(form, err, path, "field required");
    }

    turn = llm_form_turn(form, as);
    if (turn == NULL) {
        return LLM_NOMEM;
    }

    return llm_messages_read_content(form, turn, &content, path, err);
}


int
llm_messages_refuse(llm_form_t *form, llm_error_t *err, const char *path,
    const char *message)
{
    llm_buf_t  text;
    llm_str_t  param;

    llm_buf_init(&text, form->arena);
    llm_buf_puts(&text, path);
    llm_buf_puts(&text, ": ");
    llm_buf_puts(&text, message);
    llm_buf_add(&text, "", 1);

    if (text.failed
        || llm_str_dup(form->arena, &param, path, strlen(path)) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST,
                                (char *) param.data, (char *) text.data);
}


static int
llm_messages_read_max(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    int64_t  n;

    if (llm_json_int(value, &n) != LLM_OK || n < 1) {
        return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST, "max_tokens",
                                    "max_tokens: a positive integer is "
                                    "expected");
    }

    form->max_tokens = n;

    return LLM_OK;
}


static int
llm_messages_read_stream(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    if (llm_form_type(value) != LLM_JSON_TRUE
        && llm_form_type(value) != LLM_JSON_FALSE)
    {
        return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST, "stream",
                                    "stream: true or false is expected");
    }

    form->stream = (llm_form_type(value) == LLM_JSON_TRUE);

    return LLM_OK;
}


static int
llm_messages_read_temperature(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    return llm_messages_read_number(value, "temperature", &form->temperature,
                                    err);
}


static int
llm_messages_read_top_p(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    return llm_messages_read_number(value, "top_p", &form->top_p, err);
}


static int
llm_messages_read_top_k(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    return llm_messages_read_number(value, "top_k", &form->top_k, err);
}


static int
llm_messages_read_number(const llm_str_t *value, const char *name,
    llm_str_t *to, llm_error_t *err)
{
    if (llm_form_type(value) != LLM_JSON_NUMBER) {
        return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST, name,
                                    "a number is expected");
    }

    *to = *value;

    return LLM_OK;
}


static int
llm_messages_read_stop(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t     element;
    llm_walk_t    w;
    llm_item_t   *item, **last;

    if (llm_form_type(value) != LLM_JSON_ARRAY) {
        return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST,
                                    "stop_sequences", "stop_sequences: an "
                                    "array of strings is expected");
    }

    last = &form->stop;

    llm_walk_open(&w, value);

    while (llm_walk_element(&w, &element)) {

        if (llm_form_type(&element) != LLM_JSON_STRING) {
            return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST,
                                        "stop_sequences", "stop_sequences: "
                                        "an array of strings is expected");
        }

        item = llm_calloc(form->arena, sizeof(llm_item_t));
        if (item == NULL) {
            return LLM_NOMEM;
        }

        if (llm_form_string(form->arena, &element, &item->value) != LLM_OK) {
            return LLM_NOMEM;
        }

        *last = item;
        last = &item->next;
    }

    return LLM_OK;
}


static int
llm_messages_read_thinking(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t  type, member;

    if (llm_form_type(value) != LLM_JSON_OBJECT
        || llm_form_member(value, "type", &type) != LLM_OK)
    {
        return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST,
                                    "thinking.type",
                                    "thinking.type: field required");
    }

    if (llm_form_is(&type, "disabled")) {
        form->budget = 0;
        return LLM_OK;
    }

    if (llm_form_is(&type, "adaptive")) {
        form->adaptive = 1;

    } else if (!llm_form_is(&type, "enabled")
               || llm_form_member(value, "budget_tokens", &member) != LLM_OK
               || llm_json_int(&member, &form->budget) != LLM_OK
               || form->budget < 1)
    {
        return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST, "thinking",
                                    "thinking: \"disabled\", \"adaptive\", or "
                                    "\"enabled\" with budget_tokens is "
                                    "expected");
    }

    form->thoughts = 1;

    if (llm_form_member(value, "display", &member) == LLM_OK
        && llm_form_is(&member, "omitted"))
    {
        form->thoughts = 0;
    }

    return LLM_OK;
}


static int
llm_messages_read_output(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t  member, word;

    if (llm_form_type(value) != LLM_JSON_OBJECT) {
        return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST,
                                    "output_config",
                                    "output_config: an object is expected");
    }

    if (llm_messages_text(form, value, "effort", &word) != LLM_OK) {
        return LLM_NOMEM;
    }

    if (word.len) {
        form->effort = llm_effort_by_name(&word);
    }

    if (llm_form_member(value, "format", &member) != LLM_OK
        || llm_form_type(&member) == LLM_JSON_NULL)
    {
        return LLM_OK;
    }

    return llm_messages_read_format(form, &member, err);
}


static int
llm_messages_read_format(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t  type;

    if (llm_form_type(value) != LLM_JSON_OBJECT
        || llm_form_member(value, "type", &type) != LLM_OK
        || !llm_form_is(&type, "json_schema")
        || llm_form_member(value, "schema", &form->schema) != LLM_OK
        || llm_form_type(&form->schema) != LLM_JSON_OBJECT)
    {
        return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST,
                                    "output_config.format",
                                    "output_config.format: \"json_schema\" "
                                    "with a schema is expected");
    }

    form->output = LLM_OUTPUT_SCHEMA;
    form->schema_strict = 1;

    return LLM_OK;
}


static int
llm_messages_read_metadata(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    if (llm_form_type(value) != LLM_JSON_OBJECT) {
        return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST, "metadata",
                                    "metadata: an object is expected");
    }

    return llm_messages_text(form, value, "user_id", &form->user);
}


static int
llm_messages_read_tier(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    static const llm_str_t  standard = llm_string("default");

    /* the word that the form uses for it is that of most protocols */

    if (llm_form_is(value, "standard_only")) {
        form->service_tier = standard;
        return LLM_OK;
    }

    if (llm_form_type(value) != LLM_JSON_STRING) {
        return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST,
                                    "service_tier",
                                    "service_tier: a string is expected");
    }

    return llm_form_string(form->arena, value, &form->service_tier);
}


/* turns that Anthropic keeps: no other provider has them */

static int
llm_messages_read_thread(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    return llm_translate_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                "thread", "threads are not available of this "
                                "model's provider: send all messages");
}


static int
llm_messages_read_nothing(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    return LLM_OK;
}
