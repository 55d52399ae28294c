
/*
 * What of a request is left out, by the names that its client has for it.
 */


#include "llm_dialect.h"


/* where they are not OpenAI's chat completions' */

typedef struct {
    const char      *chat;
    const char      *responses;
    const char      *messages;
    const char      *generate;
} llm_translate_word_t;


static const llm_translate_word_t  llm_translate_words[] = {
    { "reasoning_effort", "reasoning", "thinking", "thinkingConfig" },
    { "verbosity", "text", NULL, NULL },
    { "stop", NULL, "stop_sequences", "stopSequences" },
    { "parallel_tool_calls", NULL, "disable_parallel_tool_use", NULL },
    { "user", NULL, "metadata", NULL },
    { "top_p", NULL, NULL, "topP" },
    { "top_k", NULL, NULL, "topK" },
    { "presence_penalty", NULL, NULL, "presencePenalty" },
    { "frequency_penalty", NULL, NULL, "frequencyPenalty" },
    { "service_tier", NULL, NULL, "serviceTier" },
    { NULL, NULL, NULL, NULL }
};


llm_str_t
llm_translate_dropped(llm_translate_t *x)
{
    llm_str_t  s;

    s.data = x->dropped.data;
    s.len = x->dropped.len;

    return s;
}


void
llm_translate_drop(llm_translate_t *x, const char *name)
{
    llm_str_t                    s;
    const char                  *own;
    const llm_translate_word_t  *word;

    for (word = llm_translate_words; word->chat; word++) {

        if (strcmp(word->chat, name) != 0) {
            continue;
        }

        own = x->client->dialect == LLM_DIALECT_RESPONSES ? word->responses
              : x->client->dialect == LLM_DIALECT_MESSAGES ? word->messages
              : x->client->dialect == LLM_DIALECT_GENERATE ? word->generate
                                                           : NULL;

        if (own) {
            name = own;
        }

        break;
    }

    s.data = (unsigned char *) name;
    s.len = strlen(name);

    llm_translate_drop_name(x, &s);
}


/* each name once; what could break a header is left out */

void
llm_translate_drop_name(llm_translate_t *x, const llm_str_t *name)
{
    size_t          i, n;
    unsigned char  *p;

    for (i = 0; i < name->len; i++) {

        if (name->data[i] <= ' ' || name->data[i] >= 0x7f
            || name->data[i] == ',')
        {
            return;
        }
    }

    for (i = 0; i < x->dropped.len; i += n + 1) {
        p = memchr(x->dropped.data + i, ',', x->dropped.len - i);
        n = p ? (size_t) (p - x->dropped.data) - i : x->dropped.len - i;

        if (n == name->len
            && memcmp(x->dropped.data + i, name->data, n) == 0)
        {
            return;
        }
    }

    if (x->dropped.len) {
        llm_buf_puts(&x->dropped, ",");
    }

    llm_buf_add(&x->dropped, name->data, name->len);
}
