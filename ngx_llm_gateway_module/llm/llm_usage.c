
#include "llm_usage.h"


const llm_str_t  llm_usage_names[LLM_USAGE_N] = {
#define LLM_USAGE_NAME(u, name, help)  llm_string(#name),
    LLM_USAGE_MAP(LLM_USAGE_NAME)
#undef LLM_USAGE_NAME
};


static void llm_usage_print_milli(int64_t n, llm_buf_t *out);


void
llm_usage_set(llm_usage_t *u, llm_usage_e unit, int64_t n)
{
    if (n < 0) {
        n = 0;

    } else if (n > LLM_USAGE_MAX) {
        n = LLM_USAGE_MAX;
    }

    u->units[unit] = n;
    u->known |= (uint32_t) 1 << unit;
}


int64_t
llm_usage_input(const llm_usage_t *u)
{
    return u->units[LLM_USAGE_INPUT]
           + u->units[LLM_USAGE_CACHE_READ]
           + u->units[LLM_USAGE_CACHE_WRITE_5M]
           + u->units[LLM_USAGE_CACHE_WRITE_1H]
           + u->units[LLM_USAGE_AUDIO_INPUT]
           + u->units[LLM_USAGE_IMAGE_INPUT];
}


int64_t
llm_usage_output(const llm_usage_t *u)
{
    return u->units[LLM_USAGE_OUTPUT]
           + u->units[LLM_USAGE_REASONING]
           + u->units[LLM_USAGE_AUDIO_OUTPUT]
           + u->units[LLM_USAGE_IMAGE_OUTPUT];
}


int64_t
llm_usage_estimate(uint64_t bytes)
{
    uint64_t  n;

    /* four bytes a token holds for English prose and code, about */

    n = bytes / 4 + (bytes % 4 ? 1 : 0);

    return n > (uint64_t) LLM_USAGE_MAX ? LLM_USAGE_MAX : (int64_t) n;
}


void
llm_usage_print(const llm_usage_t *u, llm_buf_t *out)
{
    unsigned  i, first;

    first = 1;

    llm_buf_puts(out, "{");

    for (i = 0; i < LLM_USAGE_N; i++) {

        if (!(u->known & ((uint32_t) 1 << i))) {
            continue;
        }

        llm_buf_puts(out, first ? "\"" : ",\"");
        llm_buf_add(out, llm_usage_names[i].data, llm_usage_names[i].len);
        llm_buf_puts(out, "\":");

        if (LLM_USAGE_MILLI(i)) {
            llm_usage_print_milli(u->units[i], out);

        } else {
            llm_buf_int(out, u->units[i]);
        }

        first = 0;
    }

    llm_buf_puts(out, "}");
}


static void
llm_usage_print_milli(int64_t n, llm_buf_t *out)
{
    size_t         len;
    int64_t        rest;
    unsigned char  text[4];

    llm_buf_int(out, n / 1000);

    rest = n % 1000;

    if (rest == 0) {
        return;
    }

    text[0] = '.';
    text[1] = (unsigned char) ('0' + rest / 100);
    text[2] = (unsigned char) ('0' + rest / 10 % 10);
    text[3] = (unsigned char) ('0' + rest % 10);

    len = 4;

    while (text[len - 1] == '0') {
        len--;
    }

    llm_buf_add(out, text, len);
}
