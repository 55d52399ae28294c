
/*
 * JSON Schema as each target takes it.  Texts are rewritten member by member:
 * what is not known to a target's rules stays as it stands.
 */


#include "llm_schema.h"


typedef struct {
    llm_arena_t     *arena;
    llm_schema_e     kind;
    llm_buf_t       *out;
} llm_schema_t;


static void llm_schema_plain(const llm_str_t *schema, llm_buf_t *out);
static void llm_schema_node(llm_schema_t *s, const llm_str_t *node);
static void llm_schema_node_member(llm_schema_t *s, const llm_str_t *node,
    const llm_str_t *name, const llm_str_t *value);
static void llm_schema_map(llm_schema_t *s, const llm_str_t *map);
static void llm_schema_list(llm_schema_t *s, const llm_str_t *list);
static void llm_schema_type(llm_schema_t *s, const llm_str_t *node,
    const llm_str_t *value);
static void llm_schema_description(llm_schema_t *s, const llm_str_t *node,
    unsigned *first);
static unsigned llm_schema_dropped(const llm_schema_t *s,
    const llm_str_t *name, const llm_str_t *value);
static unsigned llm_schema_bound(const llm_str_t *name);
static unsigned llm_schema_is_object(const llm_str_t *node);
static void llm_schema_name(llm_buf_t *out, const llm_str_t *name,
    unsigned *first);
static unsigned llm_schema_is_strict(const llm_str_t *node);
static unsigned llm_schema_requires(const llm_str_t *required,
    const llm_str_t *name);


static const char  *llm_schema_nodes[] = {
    "items", "not", "additionalItems", "contains", "if", "then", "else",
    "propertyNames", "unevaluatedItems", NULL
};

static const char  *llm_schema_maps[] = {
    "properties", "$defs", "definitions", "patternProperties",
    "dependentSchemas", NULL
};

static const char  *llm_schema_lists[] = {
    "anyOf", "oneOf", "allOf", "prefixItems", NULL
};

/* what Anthropic's constrained decoding cannot check, but a model can read */

static const char  *llm_schema_bounds[] = {
    "minLength", "maxLength", "pattern", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems",
    "maxItems", "uniqueItems", "minProperties", "maxProperties", NULL
};

static const char  *llm_schema_notes[] = {
    "$schema", "$id", "title", "default", "examples", "$comment", NULL
};

static const char  *llm_schema_openapi_only[] = {
    "propertyOrdering", "property_ordering", "nullable", "example", NULL
};


int
llm_schema_print(llm_arena_t *arena, llm_schema_e kind,
    const llm_str_t *schema, llm_buf_t *out)
{
    llm_schema_t  s;

    if (llm_form_type(schema) != LLM_JSON_OBJECT
        || schema->len > LLM_SCHEMA_MAX_SIZE)
    {
        llm_buf_puts(out, kind == LLM_SCHEMA_OPENAPI
                          ? "{\"type\":\"OBJECT\"}"
                          : "{\"type\":\"object\",\"properties\":{}}");
        return out->failed ? LLM_NOMEM : LLM_OK;
    }

    switch (kind) {

    case LLM_SCHEMA_PLAIN:
        llm_schema_plain(schema, out);
        break;

    case LLM_SCHEMA_OPENAPI:
        llm_schema_print_openapi(schema, out);
        break;

    default:
        s.arena = arena;
        s.kind = kind;
        s.out = out;

        llm_schema_node(&s, schema);
    }

    return out->failed ? LLM_NOMEM : LLM_OK;
}


unsigned
llm_schema_is(const llm_str_t *name, const char **names)
{
    for ( /* void */ ; *names; names++) {

        if (llm_form_is(name, *names)) {
            return 1;
        }
    }

    return 0;
}


static void
llm_schema_plain(const llm_str_t *schema, llm_buf_t *out)
{
    unsigned    first;
    llm_str_t   name, value;
    llm_walk_t  w;

    if (llm_form_member(schema, "type", &value) == LLM_OK
        && llm_form_type(&value) != LLM_JSON_NULL)
    {
        llm_form_print_raw(out, schema);
        return;
    }

    llm_buf_puts(out, "{\"type\":\"object\"");
    first = 0;

    llm_walk_open(&w, schema);

    while (llm_walk_member(&w, &name, &value)) {

        if (!llm_form_is(&name, "type")) {
            llm_schema_name(out, &name, &first);
            llm_form_print_raw(out, &value);
        }
    }

    llm_buf_puts(out, "}");
}


/* texts nest as deep as llm_scan let them */

static void
llm_schema_node(llm_schema_t *s, const llm_str_t *node)
{
    unsigned    first;
    llm_str_t   name, value;
    llm_walk_t  w;

    if (llm_form_type(node) != LLM_JSON_OBJECT) {
        llm_form_print_raw(s->out, node);
        return;
    }

    llm_buf_puts(s->out, "{");
    first = 1;

    llm_walk_open(&w, node);

    while (llm_walk_member(&w, &name, &value)) {

        if (!llm_schema_dropped(s, &name, &value)) {
            llm_schema_name(s->out, &name, &first);
            llm_schema_node_member(s, node, &name, &value);
        }
    }

    if (s->kind == LLM_SCHEMA_STRICT_ANTHROPIC) {
        llm_schema_description(s, node, &first);
    }

    if (s->kind != LLM_SCHEMA_FROM_OPENAPI && llm_schema_is_object(node)) {
        llm_buf_puts(s->out, first ? "" : ",");
        llm_buf_puts(s->out, "\"additionalProperties\":false");
    }

    llm_buf_puts(s->out, "}");
}


static void
llm_schema_node_member(llm_schema_t *s, const llm_str_t *node,
    const llm_str_t *name, const llm_str_t *value)
{
    llm_str_t  v;

    if (llm_schema_is(name, llm_schema_maps)
        && llm_form_type(value) == LLM_JSON_OBJECT)
    {
        llm_schema_map(s, value);
        return;
    }

    if (llm_schema_is(name, llm_schema_lists)
        && llm_form_type(value) == LLM_JSON_ARRAY)
    {
        llm_schema_list(s, value);
        return;
    }

    if (llm_schema_is(name, llm_schema_nodes)) {
        llm_schema_node(s, value);
        return;
    }

    if (s->kind != LLM_SCHEMA_FROM_OPENAPI) {
        llm_form_print_raw(s->out, value);
        return;
    }

    if (llm_form_is(name, "type")) {
        llm_schema_type(s, node, value);
        return;
    }

    /* 64-bit numbers may come as strings */

    v = *value;

    if (llm_schema_bound(name) && v.len > 2 && v.data[0] == '"'
        && v.data[1] >= '0' && v.data[1] <= '9')
    {
        v.data++;
        v.len -= 2;

        if (strspn((char *) v.data, "0123456789") == v.len) {
            /* the quote ends the span */
            llm_buf_add(s->out, v.data, v.len);
            return;
        }
    }

    llm_form_print_raw(s->out, value);
}


static void
llm_schema_map(llm_schema_t *s, const llm_str_t *map)
{
    unsigned    first;
    llm_str_t   name, value;
    llm_walk_t  w;

    llm_buf_puts(s->out, "{");
    first = 1;

    llm_walk_open(&w, map);

    while (llm_walk_member(&w, &name, &value)) {
        llm_schema_name(s->out, &name, &first);
        llm_schema_node(s, &value);
    }

    llm_buf_puts(s->out, "}");
}


static void
llm_schema_list(llm_schema_t *s, const llm_str_t *list)
{
    unsigned    first;
    llm_str_t   value;
    llm_walk_t  w;

    llm_buf_puts(s->out, "[");
    first = 1;

    llm_walk_open(&w, list);

    while (llm_walk_element(&w, &value)) {
        llm_buf_puts(s->out, first ? "" : ",");
        llm_schema_node(s, &value);
        first = 0;
    }

    llm_buf_puts(s->out, "]");
}


/* OBJECT, and whether null is one of its values */

static void
llm_schema_type(llm_schema_t *s, const llm_str_t *node,
    const llm_str_t *value)
{
    size_t     i;
    unsigned   nullable;
    llm_str_t  v;
    char       c;

    nullable = llm_form_member(node, "nullable", &v) == LLM_OK
               && llm_form_type(&v) == LLM_JSON_TRUE
               && llm_form_type(value) == LLM_JSON_STRING;

    if (nullable) {
        llm_buf_puts(s->out, "[");
    }

    for (i = 0; i < value->len; i++) {
        c = (char) value->data[i];

        if (c >= 'A' && c <= 'Z') {
            c |= 0x20;
        }

        llm_buf_add(s->out, &c, 1);
    }

    if (nullable) {
        llm_buf_puts(s->out, ",\"null\"]");
    }
}


/* the description, with the bounds that were left out behind it */

static void
llm_schema_description(llm_schema_t *s, const llm_str_t *node,
    unsigned *first)
{
    llm_buf_t   b;
    llm_str_t   name, value;
    llm_walk_t  w;

    llm_buf_init(&b, s->arena);

    if (llm_form_member(node, "description", &value) == LLM_OK) {
        llm_form_unescape(&b, &value);
    }

    llm_walk_open(&w, node);

    while (llm_walk_member(&w, &name, &value)) {

        if (llm_schema_bound(&name)) {
            llm_buf_puts(&b, b.len ? "; " : "");
            llm_form_unescape(&b, &name);
            llm_buf_puts(&b, ": ");

            if (llm_form_type(&value) == LLM_JSON_STRING) {
                llm_form_unescape(&b, &value);

            } else {
                llm_buf_add(&b, value.data, value.len);
            }
        }
    }

    if (b.failed) {
        s->out->failed = 1;
        return;
    }

    if (b.len) {
        llm_buf_puts(s->out, *first ? "" : ",");
        llm_buf_puts(s->out, "\"description\":");
        llm_buf_json(s->out, b.data, b.len);
        *first = 0;
    }
}


static unsigned
llm_schema_dropped(const llm_schema_t *s, const llm_str_t *name,
    const llm_str_t *value)
{
    if (s->kind == LLM_SCHEMA_FROM_OPENAPI) {
        return llm_schema_is(name, llm_schema_openapi_only)
               || (llm_form_is(name, "format")
                   && llm_form_is(value, "enum"));
    }

    /* it is told as false where it belongs */

    if (llm_form_is(name, "additionalProperties")) {
        return 1;
    }

    if (s->kind != LLM_SCHEMA_STRICT_ANTHROPIC) {
        return llm_form_is(name, "$schema") || llm_form_is(name, "$id");
    }

    return llm_schema_bound(name)
           || llm_form_is(name, "description")
           || llm_schema_is(name, llm_schema_notes);
}


static unsigned
llm_schema_bound(const llm_str_t *name)
{
    return llm_schema_is(name, llm_schema_bounds);
}


static unsigned
llm_schema_is_object(const llm_str_t *node)
{
    llm_str_t   type, v;
    llm_walk_t  w;

    if (llm_form_member(node, "properties", &v) == LLM_OK) {
        return 1;
    }

    if (llm_form_member(node, "type", &type) != LLM_OK) {
        return 0;
    }

    if (llm_form_type(&type) != LLM_JSON_ARRAY) {
        return llm_form_is(&type, "object");
    }

    llm_walk_open(&w, &type);

    while (llm_walk_element(&w, &v)) {

        if (llm_form_is(&v, "object")) {
            return 1;
        }
    }

    return 0;
}


static void
llm_schema_name(llm_buf_t *out, const llm_str_t *name, unsigned *first)
{
    llm_buf_puts(out, *first ? "" : ",");
    llm_buf_add(out, name->data, name->len);
    llm_buf_puts(out, ":");

    *first = 0;
}


unsigned
llm_schema_strict(const llm_str_t *schema)
{
    return llm_form_type(schema) == LLM_JSON_OBJECT
           && schema->len <= LLM_SCHEMA_MAX_SIZE
           && llm_schema_is_strict(schema);
}


/* each object's properties are all of them, and all are required */

static unsigned
llm_schema_is_strict(const llm_str_t *node)
{
    unsigned    map;
    llm_str_t   name, value, v, required;
    llm_walk_t  w, inner;

    if (llm_form_type(node) != LLM_JSON_OBJECT) {
        return 1;
    }

    if (llm_schema_is_object(node)) {

        if (llm_form_member(node, "additionalProperties", &value) != LLM_OK
            || llm_form_type(&value) != LLM_JSON_FALSE)
        {
            return 0;
        }

        if (llm_form_member(node, "properties", &value) == LLM_OK
            && llm_form_type(&value) == LLM_JSON_OBJECT)
        {
            llm_form_member(node, "required", &required);
            llm_walk_open(&w, &value);

            while (llm_walk_member(&w, &name, &v)) {

                if (!llm_schema_requires(&required, &name)) {
                    return 0;
                }
            }
        }
    }

    llm_walk_open(&w, node);

    while (llm_walk_member(&w, &name, &value)) {

        if (llm_schema_is(&name, llm_schema_nodes)) {

            if (!llm_schema_is_strict(&value)) {
                return 0;
            }

            continue;
        }

        map = llm_schema_is(&name, llm_schema_maps)
              && llm_form_type(&value) == LLM_JSON_OBJECT;

        if (!map && (!llm_schema_is(&name, llm_schema_lists)
                     || llm_form_type(&value) != LLM_JSON_ARRAY))
        {
            continue;
        }

        llm_walk_open(&inner, &value);

        while ((!map || llm_walk_element(&inner, &v))
               && llm_walk_element(&inner, &v))
        {
            if (!llm_schema_is_strict(&v)) {
                return 0;
            }
        }
    }

    return 1;
}


static unsigned
llm_schema_requires(const llm_str_t *required, const llm_str_t *name)
{
    llm_str_t   v;
    llm_walk_t  w;

    if (llm_form_type(required) != LLM_JSON_ARRAY) {
        return 0;
    }

    llm_walk_open(&w, required);

    while (llm_walk_element(&w, &v)) {

        if (v.len == name->len && memcmp(v.data, name->data, v.len) == 0) {
            return 1;
        }
    }

    return 0;
}
