
/*
 * What providers of one protocol do differently: flags of a provider or of a
 * model's family, by name in the configuration ("quirks=").
 */


#ifndef _LLM_QUIRK_H_INCLUDED_
#define _LLM_QUIRK_H_INCLUDED_


#include "llm_base.h"
#include "llm_translate.h"


#define LLM_QUIRK_MAP(Q)                                                      \
    /* chat completions */                                                    \
    Q(MAX_TOKENS,       max_tokens,       "max_tokens, not "                  \
                                          "max_completion_tokens")            \
    Q(NO_STREAM_OPTIONS, no_stream_options, "stream_options is refused")      \
    Q(REPLAY_REASONING, replay_reasoning, "reasoning_content must come back") \
    Q(STRING_CONTENT,   string_content,   "content as a string, no parts")    \
    Q(TOP_K,            top_k,            "takes top_k")                      \
    Q(NO_SAMPLING,      no_sampling,      "refuses temperature and top_p")    \
    Q(NO_STOP,          no_stop,          "refuses stop")                     \
    Q(NO_PARALLEL,      no_parallel,      "refuses parallel_tool_calls")      \
    Q(MISTRAL,          mistral,          "tool ids of 9 characters, any, "   \
                                          "random_seed, thinking in content") \
    Q(DEEPSEEK,         deepseek_thinking, "thinking: {type}")                \
    Q(OPENROUTER,       openrouter_reasoning, "reasoning: {effort}, "         \
                                          "reasoning_details")                \
    Q(GOOGLE,           google_extra,     "extra_content.google signatures")  \
    Q(CACHE_CONTROL,    cache_control,    "takes cache_control on parts")     \
    Q(NO_REASONING,     no_reasoning,     "refuses reasoning_effort")         \
    Q(NO_SCHEMA,        no_schema,        "refuses json_schema")              \
    Q(SAFETY_ID,        safety_identifier, "OpenAI's own: safety_identifier," \
                                          " prompt_cache_key, verbosity, "    \
                                          "service_tier")                     \
    Q(XAI_VIDEO,        xai_video,        "videos at /videos/generations")    \
    /* messages */                                                            \
    Q(ADAPTIVE,         adaptive_thinking, "adaptive thinking, effort")       \
    Q(NATIVE_SCHEMA,    native_schema,    "output_config.format, strict")     \
    Q(MID_SYSTEM,       mid_system,       "system turns anywhere")            \
    Q(XHIGH,            xhigh,            "effort xhigh")                     \
    Q(NO_THINKING,      no_thinking,      "cannot think")                     \
    /* generateContent */                                                     \
    Q(OPENAPI_SCHEMA,   openapi_schema,   "schemas of the OpenAPI subset")    \
    Q(LEVEL,            thinking_level,   "thinkingLevel; signatures wanted") \
    Q(NO_PENALTY,       no_penalty,       "refuses penalties")                \
    /* where it is hosted */                                                  \
    Q(VERTEX,           vertex,           "Google's Vertex AI")               \
    Q(BEDROCK,          bedrock,          "Claude by Bedrock's invoke")       \
    Q(AZURE,            azure,            "deployments in the path")

typedef enum {
#define LLM_QUIRK_ENUM(q, name, help)  LLM_QUIRK_BIT_##q,
    LLM_QUIRK_MAP(LLM_QUIRK_ENUM)
#undef LLM_QUIRK_ENUM
    LLM_QUIRK_BITS
} llm_quirk_bit_e;

#define LLM_QUIRK(q)  ((uint64_t) 1 << LLM_QUIRK_BIT_##q)

/* whether the target has it */
#define llm_quirk(to, q)  (((to)->quirks & LLM_QUIRK(q)) != 0)


/*
 * Bits of a flag, or of a preset that stands for several: deepseek, mistral,
 * groq, openrouter, xai, vllm, ollama, perplexity, gemini (its OpenAI
 * endpoint), vertex, bedrock, azure, openai.  LLM_DECLINED: no such name.
 */
int llm_quirk_by_name(const llm_str_t *name, uint64_t *bits);

/* bits that follow from the provider's host: OpenAI's own */
uint64_t llm_quirk_of_host(const llm_str_t *host);

/*
 * Bits that follow from the upstream model's name, where nothing is
 * configured: o-series and gpt-5 take no sampling, newer Claude thinks
 * adaptively, Gemini 3 wants thinkingLevel ...  Sources: the catalogue's
 * supports_* members and providers' own documentation.
 */
uint64_t llm_quirk_of_model(llm_dialect_e dialect, const llm_str_t *model);


#endif /* _LLM_QUIRK_H_INCLUDED_ */
