
/* Gemini's dialect: arguments of a function call that come by their paths */


#include "llm_generate.h"


#define LLM_PARTIAL_MAX_DEPTH  32
#define LLM_PARTIAL_MAX_NODES  4096
#define LLM_PARTIAL_MAX_INDEX  1024


typedef struct llm_partial_node_s  llm_partial_node_t;

struct llm_partial_node_s {
    llm_partial_node_t  *next;
    llm_partial_node_t  *children;
    llm_str_t            name;        /* of a member, decoded */
    llm_buf_t            value;       /* text of a string, or raw JSON */
    unsigned             index;       /* of an element */
    unsigned             array:1;     /* its children are elements */
    unsigned             string:1;
};

struct llm_partial_s {
    llm_arena_t         *arena;
    llm_partial_node_t   root;
    unsigned             nodes;
};


static int llm_partial_walk(llm_partial_t *p, const llm_str_t *path,
    llm_partial_node_t **node);
static size_t llm_partial_step(const unsigned char *s, size_t len,
    llm_str_t *name, unsigned *index, unsigned *array);
static int llm_partial_child(llm_partial_t *p, llm_partial_node_t *node,
    const llm_str_t *name, unsigned index, llm_partial_node_t **child);
static void llm_partial_print_node(const llm_partial_node_t *node,
    llm_buf_t *out);


llm_partial_t *
llm_partial_create(llm_arena_t *arena)
{
    llm_partial_t  *p;

    p = llm_calloc(arena, sizeof(llm_partial_t));
    if (p == NULL) {
        return NULL;
    }

    p->arena = arena;
    llm_buf_init(&p->root.value, arena);

    return p;
}


int
llm_partial_add(llm_partial_t *p, const llm_str_t *fragment)
{
    int                  rc;
    llm_str_t            path, values[5];
    llm_partial_node_t  *node;

    static const char *const  names[] = {
        "jsonPath", "stringValue", "numberValue", "boolValue", "nullValue"
    };

    llm_member_pick(fragment, names, 5, values);

    rc = llm_form_string(p->arena, &values[0], &path);

    if (rc != LLM_OK) {
        return rc == LLM_INVALID ? LLM_OK : rc;
    }

    rc = llm_partial_walk(p, &path, &node);

    if (rc != LLM_OK) {
        return rc == LLM_DECLINED ? LLM_OK : rc;
    }

    /* strings come in pieces, the rest whole */

    if (values[1].len) {

        if (!node->string) {
            node->value.len = 0;
            node->string = 1;
        }

        return llm_form_unescape(&node->value, &values[1]) == LLM_NOMEM
               ? LLM_NOMEM : LLM_OK;
    }

    node->string = 0;
    node->value.len = 0;

    if (values[2].len) {
        llm_buf_add(&node->value, values[2].data, values[2].len);

    } else if (values[3].len) {
        llm_buf_add(&node->value, values[3].data, values[3].len);

    } else {
        llm_buf_puts(&node->value, "null");
    }

    return node->value.failed ? LLM_NOMEM : LLM_OK;
}


/* "$.a.b[0]['c']" */

static int
llm_partial_walk(llm_partial_t *p, const llm_str_t *path,
    llm_partial_node_t **found)
{
    int                  rc;
    size_t               n, pos;
    unsigned             depth, index, array;
    llm_str_t            name;
    llm_partial_node_t  *node;

    if (path->len < 2 || path->data[0] != '$') {
        return LLM_DECLINED;
    }

    node = &p->root;

    for (pos = 1, depth = 0; pos < path->len; pos += n, depth++) {

        if (depth == LLM_PARTIAL_MAX_DEPTH) {
            return LLM_LIMIT;
        }

        n = llm_partial_step(path->data + pos, path->len - pos, &name, &index,
                             &array);
        if (n == 0) {
            return LLM_DECLINED;
        }

        if (index > LLM_PARTIAL_MAX_INDEX) {
            return LLM_LIMIT;
        }

        if (node->children == NULL && node != &p->root) {
            node->array = array;
        }

        if (node->array != array) {
            return LLM_DECLINED;
        }

        rc = llm_partial_child(p, node, &name, index, &node);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    *found = node;

    return LLM_OK;
}


static size_t
llm_partial_step(const unsigned char *s, size_t len, llm_str_t *name,
    unsigned *index, unsigned *array)
{
    size_t         i;
    unsigned char  quote;

    *index = 0;
    *array = 0;

    if (*s == '.') {

        for (i = 1; i < len && s[i] != '.' && s[i] != '['; i++) {
            /* void */
        }

        name->data = (unsigned char *) s + 1;
        name->len = i - 1;

        return name->len ? i : 0;
    }

    if (*s != '[' || len < 3) {
        return 0;
    }

    if (s[1] == '\'' || s[1] == '"') {
        quote = s[1];

        for (i = 2; i < len && s[i] != quote; i++) {
            /* void */
        }

        if (i + 1 >= len || s[i + 1] != ']') {
            return 0;
        }

        name->data = (unsigned char *) s + 2;
        name->len = i - 2;

        return i + 2;
    }

    for (i = 1; i < len && s[i] >= '0' && s[i] <= '9'; i++) {

        if (*index <= LLM_PARTIAL_MAX_INDEX) {
            *index = *index * 10 + (unsigned) (s[i] - '0');
        }
    }

    if (i == 1 || i == len || s[i] != ']') {
        return 0;
    }

    name->len = 0;
    name->data = NULL;
    *array = 1;

    return i + 1;
}


static int
llm_partial_child(llm_partial_t *p, llm_partial_node_t *node,
    const llm_str_t *name, unsigned index, llm_partial_node_t **child)
{
    llm_partial_node_t  *c, **last;

    for (last = &node->children; *last; last = &(*last)->next) {
        c = *last;

        if (node->array ? c->index == index
                        : (c->name.len == name->len
                           && memcmp(c->name.data, name->data, name->len)
                              == 0))
        {
            *child = c;
            return LLM_OK;
        }

        if (node->array && c->index > index) {
            break;
        }
    }

    if (p->nodes++ == LLM_PARTIAL_MAX_NODES) {
        return LLM_LIMIT;
    }

    c = llm_calloc(p->arena, sizeof(llm_partial_node_t));
    if (c == NULL) {
        return LLM_NOMEM;
    }

    if (llm_str_dup(p->arena, &c->name, name->data, name->len) != LLM_OK) {
        return LLM_NOMEM;
    }

    c->index = index;
    c->next = *last;
    *last = c;

    llm_buf_init(&c->value, p->arena);

    *child = c;

    return LLM_OK;
}


void
llm_partial_print(const llm_partial_t *p, llm_buf_t *out)
{
    if (p->root.children == NULL) {
        llm_buf_puts(out, "{}");
        return;
    }

    llm_partial_print_node(&p->root, out);
}


static void
llm_partial_print_node(const llm_partial_node_t *node, llm_buf_t *out)
{
    unsigned                   n;
    const llm_partial_node_t  *c;

    if (node->children == NULL) {

        if (node->string) {
            llm_buf_json(out, node->value.data, node->value.len);

        } else if (node->value.len) {
            llm_buf_add(out, node->value.data, node->value.len);

        } else {
            llm_buf_puts(out, "null");
        }

        return;
    }

    llm_buf_puts(out, node->array ? "[" : "{");

    /* elements that never came leave no hole */

    for (c = node->children, n = 0; c; c = c->next, n++) {

        if (n) {
            llm_buf_puts(out, ",");
        }

        if (!node->array) {
            llm_buf_json(out, c->name.data, c->name.len);
            llm_buf_puts(out, ":");
        }

        llm_partial_print_node(c, out);
    }

    llm_buf_puts(out, node->array ? "]" : "}");
}
