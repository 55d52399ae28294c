
/*
 * Gemini's dialect: a client's request, its turns.  Their parts are read in
 * _read_part.c, settings in _read_config.c.
 */


#include "llm_generate.h"


static int llm_generate_read_body(llm_generate_read_t *r,
    const llm_str_t *body);
static int llm_generate_read_member(llm_generate_read_t *r,
    const llm_str_t *name, const llm_str_t *value);
static int llm_generate_read_system(llm_generate_read_t *r,
    const llm_str_t *raw);
static int llm_generate_read_contents(llm_generate_read_t *r,
    const llm_str_t *raw);
static int llm_generate_read_content(llm_generate_read_t *r,
    const llm_str_t *raw);
static int llm_generate_read_role(llm_generate_read_t *r,
    const llm_str_t *raw, llm_role_e *role);
static int llm_generate_read_parts(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_str_t *raw);


int
llm_generate_read(llm_form_t *form, const llm_str_t *body, llm_error_t *err)
{
    int                   rc;
    llm_generate_read_t  *r;

    r = llm_calloc(form->arena, sizeof(llm_generate_read_t));
    if (r == NULL) {
        return LLM_NOMEM;
    }

    r->form = form;
    r->err = err;

    form->stream = (form->op->op == LLM_OP_GENERATE_STREAM);
    form->include_usage = 1;
    form->thoughts = 0;

    rc = llm_generate_read_body(r, body);

    if (rc != LLM_OK) {
        return rc;
    }

    if (form->turns == NULL) {
        return llm_translate_refuse(err, LLM_ERROR_MISSING_PARAMETER,
                                    "contents", "\"contents\" is missing");
    }

    return LLM_OK;
}


static int
llm_generate_read_body(llm_generate_read_t *r, const llm_str_t *body)
{
    int         rc;
    llm_str_t   name, value;
    llm_walk_t  w;

    llm_walk_open(&w, body);

    while (llm_walk_member(&w, &name, &value)) {

        if (llm_form_type(&value) == LLM_JSON_NULL) {
            continue;
        }

        /* of countTokens: what would be generated */

        if (r->form->op->op == LLM_OP_GEMINI_COUNT
            && llm_member_is(&name, "generateContentRequest")
            && llm_form_type(&value) == LLM_JSON_OBJECT
            && r->depth++ == 0)
        {
            rc = llm_generate_read_body(r, &value);

        } else {
            rc = llm_generate_read_member(r, &name, &value);
        }

        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


static int
llm_generate_read_member(llm_generate_read_t *r, const llm_str_t *name,
    const llm_str_t *value)
{
    unsigned   i;
    llm_str_t  plain;

    /* safety belongs to Google's models, the rest to its accounting */

    static const char *const  dropped[] = {
        "safetySettings", "labels", "store", NULL
    };

    if (llm_member_is(name, "contents")) {
        return llm_generate_read_contents(r, value);
    }

    if (llm_member_is(name, "systemInstruction")) {
        return llm_generate_read_system(r, value);
    }

    if (llm_member_is(name, "tools")) {
        return llm_generate_read_tools(r, value);
    }

    if (llm_member_is(name, "toolConfig")) {
        return llm_generate_read_choice(r, value);
    }

    if (llm_member_is(name, "generationConfig")) {
        return llm_generate_read_config(r, value);
    }

    if (llm_member_is(name, "serviceTier")) {
        return llm_generate_read_string(r, value, "serviceTier",
                                        &r->form->service_tier);
    }

    if (llm_member_is(name, "cachedContent")) {
        return llm_translate_refuse(r->err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                    "cachedContent",
                                    "\"cachedContent\" names what only "
                                    "Google keeps, and no route of this "
                                    "request leads there");
    }

    if (llm_member_is(name, "model")) {
        return LLM_OK;
    }

    for (i = 0; dropped[i]; i++) {
        if (llm_member_is(name, dropped[i])) {
            return llm_form_drop(r->form, dropped[i]);
        }
    }

    if (llm_form_string(r->form->arena, name, &plain) != LLM_OK) {
        return LLM_NOMEM;
    }

    return llm_form_extra(r->form, &plain, value);
}


int
llm_generate_read_string(llm_generate_read_t *r, const llm_str_t *raw,
    const char *param, llm_str_t *out)
{
    int  rc;

    rc = llm_form_string(r->form->arena, raw, out);

    if (rc == LLM_INVALID) {
        return llm_translate_refuse(r->err, LLM_ERROR_BAD_REQUEST, param,
                                    "this member must be a string");
    }

    return rc;
}


/*
 * The system's words come first, wherever they stand in the body: a content,
 * or just a string.
 */

static int
llm_generate_read_system(llm_generate_read_t *r, const llm_str_t *raw)
{
    int          rc;
    llm_str_t    text, value, values[1];
    llm_turn_t  *turn, *first, **last;
    llm_walk_t   w;

    static const char *const  names[] = { "parts" };

    first = r->form->turns;
    last = r->form->last_turn;

    r->form->turns = NULL;
    r->form->last_turn = &r->form->turns;

    turn = llm_form_turn(r->form, LLM_ROLE_SYSTEM);
    if (turn == NULL) {
        return LLM_NOMEM;
    }

    rc = LLM_OK;

    if (llm_form_type(raw) == LLM_JSON_STRING) {
        rc = llm_form_string(r->form->arena, raw, &text);

        if (rc == LLM_OK) {
            rc = llm_form_add_text(r->form, turn, &text);
        }

    } else {
        llm_member_pick(raw, names, 1, values);

        if (values[0].len) {
            llm_member_list(&w, &values[0]);

            while (rc == LLM_OK && llm_walk_element(&w, &value)) {
                rc = llm_generate_read_part(r, turn, &value);
            }
        }
    }

    turn->prev = NULL;

    if (first) {
        turn->next = first;
        first->prev = turn;
        r->form->last_turn = last;

        while (r->form->end->next) {
            r->form->end = r->form->end->next;
        }
    }

    if (rc == LLM_INVALID) {
        return llm_translate_refuse(r->err, LLM_ERROR_BAD_REQUEST,
                                    "systemInstruction",
                                    "\"systemInstruction\" must be text");
    }

    return rc;
}


static int
llm_generate_read_contents(llm_generate_read_t *r, const llm_str_t *raw)
{
    int         rc;
    llm_str_t   value;
    llm_walk_t  w;

    if (llm_form_type(raw) == LLM_JSON_STRING) {
        return llm_generate_read_content(r, raw);
    }

    if (llm_form_type(raw) != LLM_JSON_ARRAY
        && llm_form_type(raw) != LLM_JSON_OBJECT)
    {
        return llm_translate_refuse(r->err, LLM_ERROR_BAD_REQUEST, "contents",
                                    "\"contents\" must be an array");
    }

    llm_member_list(&w, raw);

    for (r->turn = 0; llm_walk_element(&w, &value); r->turn++) {
        rc = llm_generate_read_content(r, &value);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


static int
llm_generate_read_content(llm_generate_read_t *r, const llm_str_t *raw)
{
    int          rc;
    llm_str_t    text, values[2];
    llm_role_e   role;
    llm_turn_t  *turn;

    static const char *const  names[] = { "role", "parts" };

    r->part = 0;

    if (llm_form_type(raw) == LLM_JSON_STRING) {
        turn = llm_form_turn(r->form, LLM_ROLE_USER);
        if (turn == NULL) {
            return LLM_NOMEM;
        }

        rc = llm_form_string(r->form->arena, raw, &text);

        return rc == LLM_OK ? llm_form_add_text(r->form, turn, &text) : rc;
    }

    if (llm_form_type(raw) != LLM_JSON_OBJECT) {
        return llm_generate_bad(r, NULL, "a content must be an object");
    }

    llm_member_pick(raw, names, 2, values);

    rc = llm_generate_read_role(r, &values[0], &role);

    if (rc != LLM_OK) {
        return rc;
    }

    /* results answer the calls of the model's last turn */

    if (role == LLM_ROLE_ASSISTANT
        && (r->form->end == NULL
            || r->form->end->role != LLM_ROLE_ASSISTANT))
    {
        r->ncalls = 0;
    }

    turn = llm_form_turn(r->form, role);
    if (turn == NULL) {
        return LLM_NOMEM;
    }

    return llm_generate_read_parts(r, turn, &values[1]);
}


static int
llm_generate_read_role(llm_generate_read_t *r, const llm_str_t *raw,
    llm_role_e *role)
{
    *role = LLM_ROLE_USER;

    if (raw->len == 0 || llm_form_is(raw, "user")
        || llm_form_is(raw, "function") || llm_form_is(raw, "tool")
        || llm_form_is(raw, ""))
    {
        return LLM_OK;
    }

    if (llm_form_is(raw, "model") || llm_form_is(raw, "assistant")) {
        *role = LLM_ROLE_ASSISTANT;
        return LLM_OK;
    }

    if (llm_form_is(raw, "system")) {
        *role = LLM_ROLE_SYSTEM;
        return LLM_OK;
    }

    return llm_generate_bad(r, "role", "the role must be \"user\" or "
                                       "\"model\"");
}


static int
llm_generate_read_parts(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_str_t *raw)
{
    int         rc;
    llm_str_t   value;
    llm_walk_t  w;

    if (raw->len == 0) {
        return LLM_OK;
    }

    llm_member_list(&w, raw);

    for (r->part = 0; llm_walk_element(&w, &value); r->part++) {
        rc = llm_generate_read_part(r, turn, &value);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}
