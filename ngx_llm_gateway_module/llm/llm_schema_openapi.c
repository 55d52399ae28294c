
/*
 * JSON Schema in the OpenAPI subset that Gemini's older "parameters" and
 * "responseSchema" take: no references, no unions of types, upper case.
 */


#include "llm_schema.h"


#define LLM_SCHEMA_MAX_REFS   16          /* nested, one inside of another */
#define LLM_SCHEMA_MAX_PARTS  16          /* of one "allOf" */
#define LLM_SCHEMA_MAX_MADE   (1 << 20)   /* bytes that references make */


typedef struct {
    const llm_str_t  *root;
    llm_buf_t        *out;
    size_t            start;
    unsigned          nrefs;
} llm_openapi_t;

/* one node: itself, what it refers to, and what "allOf" adds */

typedef struct {
    llm_str_t         parts[LLM_SCHEMA_MAX_PARTS];
    unsigned          n;
    unsigned          refs;       /* followed on the way here */
    unsigned          nullable;
    unsigned          any;        /* it is a choice between others */
    unsigned          recursive;
} llm_openapi_node_t;


static void llm_openapi_print(llm_openapi_t *s, const llm_str_t *node);
static void llm_openapi_gather(llm_openapi_t *s, llm_openapi_node_t *n,
    const llm_str_t *node);
static void llm_openapi_union(llm_openapi_t *s, llm_openapi_node_t *n,
    const llm_str_t *list);
static int llm_openapi_resolve(llm_openapi_t *s, const llm_str_t *ref,
    llm_str_t *node);
static int llm_openapi_find(const llm_openapi_node_t *n, const char *name,
    llm_str_t *value);
static void llm_openapi_type(llm_openapi_t *s, llm_openapi_node_t *n);
static void llm_openapi_enum(llm_openapi_t *s, const llm_openapi_node_t *n);
static void llm_openapi_any(llm_openapi_t *s, const llm_openapi_node_t *n);
static void llm_openapi_properties(llm_openapi_t *s,
    const llm_openapi_node_t *n);
static void llm_openapi_required(llm_openapi_t *s,
    const llm_openapi_node_t *n);
static unsigned llm_openapi_is_null(const llm_str_t *node);
static void llm_openapi_upper(llm_buf_t *out, const llm_str_t *word);


static const char  *llm_openapi_kept[] = {
    "title", "description", "default", "example", "minimum", "maximum",
    "minItems", "maxItems", "pattern", NULL
};

static const char  *llm_openapi_formats[] = {
    "enum", "date-time", "int32", "int64", "float", "double", NULL
};


void
llm_schema_print_openapi(const llm_str_t *schema, llm_buf_t *out)
{
    llm_openapi_t  s;

    s.root = schema;
    s.out = out;
    s.start = out->len;
    s.nrefs = 0;

    llm_openapi_print(&s, schema);
}


static void
llm_openapi_print(llm_openapi_t *s, const llm_str_t *node)
{
    unsigned             i;
    llm_str_t            value;
    llm_openapi_node_t   n;

    memset(&n, 0, sizeof(llm_openapi_node_t));

    llm_openapi_gather(s, &n, node);

    if (n.n == 0 || n.recursive
        || s->out->len - s->start > LLM_SCHEMA_MAX_MADE)
    {
        llm_buf_puts(s->out, "{\"type\":\"OBJECT\"}");
        s->nrefs -= n.refs;
        return;
    }

    llm_buf_puts(s->out, "{");

    llm_openapi_type(s, &n);

    for (i = 0; llm_openapi_kept[i]; i++) {

        if (llm_openapi_find(&n, llm_openapi_kept[i], &value) == LLM_OK) {
            llm_buf_puts(s->out, ",\"");
            llm_buf_puts(s->out, llm_openapi_kept[i]);
            llm_buf_puts(s->out, "\":");
            llm_form_print_raw(s->out, &value);
        }
    }

    if (llm_openapi_find(&n, "format", &value) == LLM_OK
        && llm_schema_is(&value, llm_openapi_formats))
    {
        llm_buf_puts(s->out, ",\"format\":");
        llm_buf_add(s->out, value.data, value.len);
    }

    llm_openapi_enum(s, &n);
    llm_openapi_any(s, &n);
    llm_openapi_properties(s, &n);
    llm_openapi_required(s, &n);

    if (llm_openapi_find(&n, "items", &value) == LLM_OK) {
        llm_buf_puts(s->out, ",\"items\":");
        llm_openapi_print(s, &value);
    }

    llm_buf_puts(s->out, "}");

    s->nrefs -= n.refs;
}


static void
llm_openapi_gather(llm_openapi_t *s, llm_openapi_node_t *n,
    const llm_str_t *node)
{
    llm_str_t   ref, value, target;
    llm_walk_t  w;

    if (llm_form_type(node) != LLM_JSON_OBJECT
        || n->n == LLM_SCHEMA_MAX_PARTS)
    {
        return;
    }

    n->parts[n->n++] = *node;

    if (llm_form_member(node, "$ref", &ref) == LLM_OK) {

        if (s->nrefs == LLM_SCHEMA_MAX_REFS
            || llm_openapi_resolve(s, &ref, &target) != LLM_OK)
        {
            n->recursive = 1;
            return;
        }

        s->nrefs++;
        n->refs++;

        llm_openapi_gather(s, n, &target);
    }

    if (llm_form_member(node, "allOf", &value) == LLM_OK
        && llm_form_type(&value) == LLM_JSON_ARRAY)
    {
        llm_walk_open(&w, &value);

        while (llm_walk_element(&w, &target)) {
            llm_openapi_gather(s, n, &target);
        }
    }

    if (llm_form_member(node, "anyOf", &value) == LLM_OK
        || llm_form_member(node, "oneOf", &value) == LLM_OK)
    {
        llm_openapi_union(s, n, &value);
    }
}


/* "this or null" is this, which may be null */

static void
llm_openapi_union(llm_openapi_t *s, llm_openapi_node_t *n,
    const llm_str_t *list)
{
    unsigned    others;
    llm_str_t   node, other;
    llm_walk_t  w;

    if (llm_form_type(list) != LLM_JSON_ARRAY) {
        return;
    }

    others = 0;
    llm_walk_open(&w, list);

    while (llm_walk_element(&w, &node)) {

        if (llm_openapi_is_null(&node)) {
            n->nullable = 1;

        } else {
            other = node;
            others++;
        }
    }

    if (others == 1) {
        llm_openapi_gather(s, n, &other);

    } else if (others) {
        n->any = 1;
    }
}


static int
llm_openapi_resolve(llm_openapi_t *s, const llm_str_t *ref, llm_str_t *node)
{
    size_t       len;
    llm_str_t    map, name, value, key;
    llm_walk_t   w;
    const char  *where;

    if (llm_form_is(ref, "#")) {
        *node = *s->root;
        return LLM_OK;
    }

    if (ref->len > 10 && memcmp(ref->data, "\"#/$defs/", 9) == 0) {
        where = "$defs";
        len = 9;

    } else if (ref->len > 16
               && memcmp(ref->data, "\"#/definitions/", 15) == 0)
    {
        where = "definitions";
        len = 15;

    } else {
        return LLM_DECLINED;
    }

    key.data = ref->data + len;
    key.len = ref->len - len - 1;

    if (llm_form_member(s->root, where, &map) != LLM_OK
        || llm_form_type(&map) != LLM_JSON_OBJECT)
    {
        return LLM_DECLINED;
    }

    llm_walk_open(&w, &map);

    while (llm_walk_member(&w, &name, &value)) {

        if (name.len == key.len + 2
            && memcmp(name.data + 1, key.data, key.len) == 0)
        {
            *node = value;
            return LLM_OK;
        }
    }

    return LLM_DECLINED;
}


static int
llm_openapi_find(const llm_openapi_node_t *n, const char *name,
    llm_str_t *value)
{
    unsigned  i;

    for (i = 0; i < n->n; i++) {

        if (llm_form_member(&n->parts[i], name, value) == LLM_OK) {
            return LLM_OK;
        }
    }

    return LLM_DECLINED;
}


static void
llm_openapi_type(llm_openapi_t *s, llm_openapi_node_t *n)
{
    llm_str_t   type, value;
    llm_walk_t  w;

    type.len = 0;
    type.data = NULL;

    if (llm_openapi_find(n, "type", &value) == LLM_OK) {
        type = value;
    }

    if (llm_form_type(&type) == LLM_JSON_ARRAY) {
        llm_walk_open(&w, &type);
        type.len = 0;

        while (llm_walk_element(&w, &value)) {

            if (llm_form_is(&value, "null")) {
                n->nullable = 1;

            } else if (type.len == 0) {
                type = value;
            }
        }
    }

    if (type.len == 0 && n->any) {
        llm_buf_puts(s->out, "\"nullable\":");
        llm_buf_puts(s->out, n->nullable ? "true" : "false");
        return;
    }

    llm_buf_puts(s->out, "\"type\":");

    if (llm_form_type(&type) == LLM_JSON_STRING) {
        llm_openapi_upper(s->out, &type);

    } else if (llm_openapi_find(n, "items", &value) == LLM_OK) {
        llm_buf_puts(s->out, "\"ARRAY\"");

    } else if (llm_openapi_find(n, "enum", &value) == LLM_OK
               || llm_openapi_find(n, "const", &value) == LLM_OK)
    {
        llm_buf_puts(s->out, "\"STRING\"");

    } else {
        llm_buf_puts(s->out, "\"OBJECT\"");
    }

    if (n->nullable) {
        llm_buf_puts(s->out, ",\"nullable\":true");
    }
}


static void
llm_openapi_enum(llm_openapi_t *s, const llm_openapi_node_t *n)
{
    llm_str_t   value, v;
    llm_walk_t  w;

    if (llm_openapi_find(n, "const", &value) == LLM_OK) {

        if (llm_form_type(&value) == LLM_JSON_STRING) {
            llm_buf_puts(s->out, ",\"enum\":[");
            llm_buf_add(s->out, value.data, value.len);
            llm_buf_puts(s->out, "]");
        }

        return;
    }

    if (llm_openapi_find(n, "enum", &value) != LLM_OK
        || llm_form_type(&value) != LLM_JSON_ARRAY)
    {
        return;
    }

    llm_walk_open(&w, &value);

    while (llm_walk_element(&w, &v)) {

        if (llm_form_type(&v) != LLM_JSON_STRING) {
            return;
        }
    }

    llm_buf_puts(s->out, ",\"enum\":");
    llm_form_print_raw(s->out, &value);
}


static void
llm_openapi_any(llm_openapi_t *s, const llm_openapi_node_t *n)
{
    unsigned    others;
    llm_str_t   list, node;
    llm_walk_t  w;

    if ((llm_openapi_find(n, "anyOf", &list) != LLM_OK
         && llm_openapi_find(n, "oneOf", &list) != LLM_OK)
        || llm_form_type(&list) != LLM_JSON_ARRAY)
    {
        return;
    }

    others = 0;
    llm_walk_open(&w, &list);

    while (llm_walk_element(&w, &node)) {
        others += !llm_openapi_is_null(&node);
    }

    if (others < 2) {
        return;
    }

    llm_buf_puts(s->out, ",\"anyOf\":[");

    others = 0;
    llm_walk_open(&w, &list);

    while (llm_walk_element(&w, &node)) {

        if (!llm_openapi_is_null(&node)) {
            llm_buf_puts(s->out, others++ ? "," : "");
            llm_openapi_print(s, &node);
        }
    }

    llm_buf_puts(s->out, "]");
}


static void
llm_openapi_properties(llm_openapi_t *s, const llm_openapi_node_t *n)
{
    unsigned    i, first;
    llm_str_t   map, name, value;
    llm_walk_t  w;

    first = 1;

    for (i = 0; i < n->n; i++) {

        if (llm_form_member(&n->parts[i], "properties", &map) != LLM_OK
            || llm_form_type(&map) != LLM_JSON_OBJECT)
        {
            continue;
        }

        llm_walk_open(&w, &map);

        while (llm_walk_member(&w, &name, &value)) {
            llm_buf_puts(s->out, first ? ",\"properties\":{" : ",");
            llm_buf_add(s->out, name.data, name.len);
            llm_buf_puts(s->out, ":");
            llm_openapi_print(s, &value);
            first = 0;
        }
    }

    if (!first) {
        llm_buf_puts(s->out, "}");
    }
}


static void
llm_openapi_required(llm_openapi_t *s, const llm_openapi_node_t *n)
{
    unsigned    i, first;
    llm_str_t   list, name;
    llm_walk_t  w;

    first = 1;

    for (i = 0; i < n->n; i++) {

        if (llm_form_member(&n->parts[i], "required", &list) != LLM_OK
            || llm_form_type(&list) != LLM_JSON_ARRAY)
        {
            continue;
        }

        llm_walk_open(&w, &list);

        while (llm_walk_element(&w, &name)) {
            llm_buf_puts(s->out, first ? ",\"required\":[" : ",");
            llm_buf_add(s->out, name.data, name.len);
            first = 0;
        }
    }

    if (!first) {
        llm_buf_puts(s->out, "]");
    }
}


static unsigned
llm_openapi_is_null(const llm_str_t *node)
{
    llm_str_t  type;

    return llm_form_member(node, "type", &type) == LLM_OK
           && llm_form_is(&type, "null");
}


static void
llm_openapi_upper(llm_buf_t *out, const llm_str_t *word)
{
    char    c;
    size_t  i;

    for (i = 0; i < word->len; i++) {
        c = (char) word->data[i];

        if (c >= 'a' && c <= 'z') {
            c &= (char) ~0x20;
        }

        llm_buf_add(out, &c, 1);
    }
}
