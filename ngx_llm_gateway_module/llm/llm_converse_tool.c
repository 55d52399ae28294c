
/* tools and their choice, in a request to Bedrock's Converse API */


#include "llm_converse.h"


/* that are made up from calls of the past; no model takes so many */

#define LLM_CONVERSE_MAX_TOOLS  512


static void llm_converse_write_open(llm_converse_writer_t *w,
    const llm_str_t *name, const llm_str_t *description);
static int llm_converse_write_function(llm_converse_writer_t *w,
    const llm_tool_t *tool);
static int llm_converse_write_forced(llm_converse_writer_t *w);
static const char *llm_converse_write_history(llm_converse_writer_t *w,
    const char *comma);
static unsigned llm_converse_known(const llm_str_t *list,
    const llm_str_t *name);
static int llm_converse_write_choice(llm_converse_writer_t *w);


int
llm_converse_write_tools(llm_converse_writer_t *w)
{
    int                rc;
    const char        *comma;
    const llm_tool_t  *tool;

    /* "none" is no choice here: without calls in the past no tool is named */

    if (w->form->choice == LLM_CHOICE_NONE && !w->called && !w->forced) {
        return LLM_OK;
    }

    comma = ",\"toolConfig\":{\"tools\":[";

    for (tool = w->form->tools; tool; tool = tool->next) {

        if (tool->search) {
            llm_translate_drop_name(w->x, &tool->name);
            continue;
        }

        if (!llm_claude_allowed(w->form, tool)) {
            continue;
        }

        llm_buf_puts(w->out, comma);
        comma = ",";

        rc = llm_converse_write_function(w, tool);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (w->forced) {
        llm_buf_puts(w->out, comma);
        comma = ",";

        rc = llm_converse_write_forced(w);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    /* calls without tools are refused */

    if (comma[1] != '\0' && w->called) {
        comma = llm_converse_write_history(w, comma);
    }

    if (comma[1] != '\0') {
        return LLM_OK;
    }

    llm_buf_puts(w->out, "]");

    rc = llm_converse_write_choice(w);

    llm_buf_puts(w->out, "}");

    return rc;
}


static void
llm_converse_write_open(llm_converse_writer_t *w, const llm_str_t *name,
    const llm_str_t *description)
{
    llm_buf_puts(w->out, "{\"toolSpec\":{\"name\":");
    llm_buf_json(w->out, name->data, name->len);

    if (description->len) {
        llm_buf_puts(w->out, ",\"description\":");
        llm_buf_json(w->out, description->data, description->len);
    }

    llm_buf_puts(w->out, ",\"inputSchema\":{\"json\":");
}


static int
llm_converse_write_function(llm_converse_writer_t *w, const llm_tool_t *tool)
{
    int        rc;
    llm_str_t  name;

    if (llm_converse_name(w, &tool->name, &name) != LLM_OK) {
        return LLM_NOMEM;
    }

    llm_converse_write_open(w, &name, &tool->description);

    rc = llm_claude_schema(w->x, tool, w->out);

    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_puts(w->out, llm_claude_strict(w->x, tool) ? "},\"strict\":true}}"
                                                       : "}}}");
    llm_converse_write_cache(w, tool->cache);

    return LLM_OK;
}


static int
llm_converse_write_forced(llm_converse_writer_t *w)
{
    int               rc;
    const llm_str_t  *description;

    static const llm_str_t  answer = llm_string("Gives the final answer.");

    description = &w->form->schema_description;

    llm_converse_write_open(w, &w->tool,
                            description->len ? description : &answer);

    rc = llm_schema_print(w->x->arena,
                          w->form->schema_openapi ? LLM_SCHEMA_FROM_OPENAPI
                                                  : LLM_SCHEMA_PLAIN,
                          &w->form->schema, w->out);

    llm_buf_puts(w->out, "}}}");

    return rc;
}


/* the tools that were called, of which no more is known than their names */

static const char *
llm_converse_write_history(llm_converse_writer_t *w, const char *comma)
{
    unsigned            n;
    llm_buf_t           names;
    llm_str_t           name, list;
    const llm_turn_t   *turn;
    const llm_block_t  *block;

    static const llm_str_t  none = llm_string("");

    llm_buf_init(&names, w->x->arena);
    n = 0;

    for (turn = w->form->turns; turn; turn = turn->next) {

        for (block = turn->blocks; block; block = block->next) {

            if (block->kind != LLM_BLOCK_TOOL_CALL
                || n == LLM_CONVERSE_MAX_TOOLS)
            {
                continue;
            }

            list.data = names.data;
            list.len = names.len;

            if (llm_converse_name(w, &block->name, &name) != LLM_OK) {
                w->out->failed = 1;
                return comma;
            }

            if (llm_converse_known(&list, &name)) {
                continue;
            }

            n++;

            llm_buf_add(&names, name.data, name.len);
            llm_buf_puts(&names, ",");

            llm_buf_puts(w->out, comma);
            llm_converse_write_open(w, &name, &none);
            llm_buf_puts(w->out, "{\"type\":\"object\"}}}}");
            comma = ",";
        }
    }

    return comma;
}


/* a list of names with a comma behind each */

static unsigned
llm_converse_known(const llm_str_t *list, const llm_str_t *name)
{
    size_t                len;
    const unsigned char  *p, *end, *next;

    if (list->len == 0) {
        return 0;
    }

    p = list->data;
    end = p + list->len;

    while (p < end) {
        next = memchr(p, ',', (size_t) (end - p));
        len = (size_t) (next - p);

        if (len == name->len && memcmp(p, name->data, len) == 0) {
            return 1;
        }

        p = next + 1;
    }

    return 0;
}


static int
llm_converse_write_choice(llm_converse_writer_t *w)
{
    llm_str_t     name;
    llm_choice_e  choice;

    name = w->tool;
    choice = llm_claude_choice(w->x, w->forced, &name);

    switch (choice) {

    case LLM_CHOICE_AUTO:
        llm_buf_puts(w->out, ",\"toolChoice\":{\"auto\":{}}");
        return LLM_OK;

    case LLM_CHOICE_REQUIRED:
        llm_buf_puts(w->out, ",\"toolChoice\":{\"any\":{}}");
        return LLM_OK;

    case LLM_CHOICE_TOOL:

        if (llm_converse_name(w, &name, &name) != LLM_OK) {
            return LLM_NOMEM;
        }

        llm_buf_puts(w->out, ",\"toolChoice\":{\"tool\":{\"name\":");
        llm_buf_json(w->out, name.data, name.len);
        llm_buf_puts(w->out, "}}");
        return LLM_OK;

    default:
        return LLM_OK;
    }
}


int
llm_converse_name(llm_converse_writer_t *w, const llm_str_t *name,
    llm_str_t *out)
{
    static const llm_name_rule_t  rule = { 64, 0, 0, 0 };

    return llm_name_map(w->x, &rule, name, out);
}


int
llm_converse_id(llm_converse_writer_t *w, const llm_str_t *id,
    llm_str_t *out)
{
    static const llm_name_rule_t  rule = { 64, 0, 0, 0 };

    return llm_id_map(w->x->arena, &rule, id, out);
}


/* models that do not cache refuse breakpoints */

void
llm_converse_write_cache(llm_converse_writer_t *w, llm_cache_e cache)
{
    if (cache == LLM_CACHE_NONE) {
        return;
    }

    if (w->family == LLM_CONVERSE_OTHER || w->family == LLM_CONVERSE_GPT_OSS) {
        llm_translate_drop(w->x, "cache_control");
        return;
    }

    llm_buf_puts(w->out, cache == LLM_CACHE_1H
                 ? ",{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}"
                 : ",{\"cachePoint\":{\"type\":\"default\"}}");
}
