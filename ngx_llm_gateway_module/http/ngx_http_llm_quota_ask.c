
/*
 * How much a request may take: what is reserved for it before anything goes
 * upstream.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_translate.h"


/* an answer's longest, where nobody tells: request, model or catalogue */
#define NGX_HTTP_LLM_OUTPUT       4096

/*
 * Thousandths of a byte in one token.  What small prompts teach, which are
 * mostly JSON, must not make little of a large one: theirs is never above the
 * value that is taken before anything was learnt.
 */
#define NGX_HTTP_LLM_RATIO         4000
#define NGX_HTTP_LLM_RATIO_MIN     1000
#define NGX_HTTP_LLM_RATIO_ANSWER  8000

/* a prompt or answer that is shorter teaches nothing, tokens */
#define NGX_HTTP_LLM_RATIO_LEAST  16


static int64_t ngx_http_llm_quota_tokens(uint64_t bytes, int64_t ratio,
    int64_t most);
static int64_t ngx_http_llm_quota_output(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand);
static int64_t ngx_http_llm_quota_member(ngx_http_llm_model_t *model,
    ngx_http_llm_member_e kind);
static volatile int64_t *ngx_http_llm_quota_model(
    ngx_http_llm_ctx_t *ctx, ngx_http_llm_model_t *model);
static void ngx_http_llm_quota_mean(volatile int64_t *ratio, uint64_t bytes,
    int64_t tokens, int64_t most);


void
ngx_http_llm_quota_ask(ngx_http_llm_ctx_t *ctx, ngx_http_llm_quota_t *q)
{
    ngx_uint_t    i, priced;
    llm_amount_t  a;

    ngx_memzero(&q->asked, sizeof(llm_amount_t));

    q->asked.requests = 1;
    q->priced = 1;

    for (i = 0; i < ctx->nplan; i++) {

        ngx_http_llm_quota_ask_route(ctx, ctx->plan[i], &a, &priced);

        q->asked.input_tokens = ngx_max(q->asked.input_tokens,
                                        a.input_tokens);
        q->asked.output_tokens = ngx_max(q->asked.output_tokens,
                                         a.output_tokens);
        q->asked.money = ngx_max(q->asked.money, a.money);

        if (!priced) {
            q->priced = 0;
        }
    }
}


void
ngx_http_llm_quota_ask_route(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, llm_amount_t *a, ngx_uint_t *priced)
{
    int64_t            input, output;
    llm_usage_t        usage;
    volatile int64_t  *ratio;

    ngx_memzero(a, sizeof(llm_amount_t));
    ngx_memzero(&usage, sizeof(llm_usage_t));

    *priced = 1;

    if (ctx->target.op->flags & LLM_OP_FREE) {
        return;
    }

    ratio = ngx_http_llm_quota_model(ctx, cand->route->model);

    input = ngx_http_llm_quota_tokens((uint64_t) ctx->body_length,
                                      ratio ? ratio[0] : 0,
                                      NGX_HTTP_LLM_RATIO);
    output = ngx_http_llm_quota_output(ctx, cand);

    if (ngx_http_llm_usage_guess(ctx, input, output, 0, &usage) != NGX_OK
        && ngx_http_llm_convert_guess(ctx, cand, &usage) != NGX_OK)
    {

        /* nothing tells what it will come to: a transcription's seconds */

        return;
    }

    a->input_tokens = llm_usage_input(&usage);
    a->output_tokens = llm_usage_output(&usage);

    if (ngx_http_llm_usage_bound(ctx, cand, &usage, &a->money) != NGX_OK) {
        a->money = 0;
        *priced = 0;
    }
}


static int64_t
ngx_http_llm_quota_tokens(uint64_t bytes, int64_t ratio, int64_t most)
{
    if (ratio < NGX_HTTP_LLM_RATIO_MIN || ratio > most) {
        ratio = NGX_HTTP_LLM_RATIO;
    }

    bytes = ngx_min(bytes, (uint64_t) LLM_USAGE_MAX / 1000);

    return (int64_t) ((bytes * 1000 + (uint64_t) ratio - 1)
                      / (uint64_t) ratio);
}


int64_t
ngx_http_llm_quota_spoken(ngx_http_llm_attempt_t *at, uint64_t bytes)
{
    volatile int64_t  *ratio;

    ratio = ngx_http_llm_quota_model(at->ctx, at->route->model);

    return ngx_http_llm_quota_tokens(bytes, ratio ? ratio[1] : 0,
                                     NGX_HTTP_LLM_RATIO_ANSWER);
}


/* tokens of all the answers that are asked for: as the request said, or the
   model says for it */

static int64_t
ngx_http_llm_quota_output(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand)
{
    int64_t                n;
    ngx_http_llm_model_t  *model;

    if (!ngx_http_llm_usage_speaks(ctx->target.op)) {
        return 0;
    }

    model = cand->route->model;

    n = ngx_http_llm_quota_member(model, NGX_HTTP_LLM_MEMBER_OVERRIDE);

    if (n < 0) {
        n = ctx->req.max_tokens;
    }

    if (n < 0) {
        n = ngx_http_llm_quota_member(model, NGX_HTTP_LLM_MEMBER_DEFAULT);
    }

    if (n < 0) {
        n = ngx_http_llm_usage_ceiling(ctx, cand);

        if (n <= 0) {
            n = NGX_HTTP_LLM_OUTPUT;
        }
    }

    n = ngx_min(n, LLM_USAGE_MAX);

    if (ctx->req.n > 1) {
        n = n > LLM_USAGE_MAX / ctx->req.n ? LLM_USAGE_MAX : n * ctx->req.n;
    }

    return n;
}


/* a longest answer that the model's default or override sets; -1: none */

static int64_t
ngx_http_llm_quota_member(ngx_http_llm_model_t *model,
    ngx_http_llm_member_e kind)
{
    int64_t                 n;
    ngx_uint_t              i;
    ngx_http_llm_member_t  *member;

    member = model->members.elts;

    for (i = 0; i < model->members.nelts; i++) {

        if (member[i].kind != kind
            || !(llm_str_is(&member[i].name, "max_tokens")
                 || llm_str_is(&member[i].name, "max_completion_tokens")
                 || llm_str_is(&member[i].name, "max_output_tokens")))
        {
            continue;
        }

        n = ngx_atoi(member[i].json.data, member[i].json.len);

        if (n >= 0) {
            return n;
        }
    }

    return -1;
}


void
ngx_http_llm_quota_used(llm_usage_t *usage, int64_t cost, llm_amount_t *a)
{
    a->requests = 1;
    a->input_tokens = llm_usage_input(usage);
    a->output_tokens = llm_usage_output(usage);
    a->money = cost;
}


/* [0] of prompts, [1] of answers, in thousandths; NULL: not known */

static volatile int64_t *
ngx_http_llm_quota_model(ngx_http_llm_ctx_t *ctx, ngx_http_llm_model_t *model)
{
    u_char              *p;
    llm_str_t            id;
    u_char               text[sizeof("learnt=") + 128];

    static ngx_uint_t               n;
    static volatile int64_t       **known;
    static volatile ngx_cycle_t    *cycle;

    if (cycle != ngx_cycle) {
        cycle = ngx_cycle;
        n = ctx->lmcf->models.nelts;
        known = ngx_pcalloc(ngx_cycle->pool, n * sizeof(int64_t *));
    }

    if (known == NULL || model->index >= n) {
        return NULL;
    }

    if (known[model->index] == NULL) {

        p = ngx_cpymem(text, "learnt=", sizeof("learnt=") - 1);
        p = ngx_cpymem(p, model->name.data, ngx_min(model->name.len, 128));

        id.data = text;
        id.len = p - text;

        known[model->index] = ngx_llm_quota_learnt(ngx_http_llm_quota_shared(),
                                                   &id);
    }

    return known[model->index];
}


void
ngx_http_llm_quota_learn(ngx_http_llm_attempt_t *at)
{
    int64_t            output;
    volatile int64_t  *ratio;

    if (!at->has_usage || at->usage.estimated
        || !ngx_http_llm_usage_speaks(at->ctx->target.op))
    {
        return;
    }

    ratio = ngx_http_llm_quota_model(at->ctx, at->route->model);
    if (ratio == NULL) {
        return;
    }

    ngx_http_llm_quota_mean(&ratio[0], (uint64_t) at->ctx->body_length,
                            llm_usage_input(&at->usage), NGX_HTTP_LLM_RATIO);

    /* what was reasoned is seldom seen */

    output = at->usage.units[LLM_USAGE_OUTPUT];

    if (at->usage.units[LLM_USAGE_REASONING] == 0) {
        ngx_http_llm_quota_mean(&ratio[1], at->text_bytes, output,
                                NGX_HTTP_LLM_RATIO_ANSWER);
    }
}


/*
 * A moving mean that falls faster than it rises: too low a ratio reserves too
 * much for a moment, too high a one too little.  Workers may overwrite each
 * other's: each value is one that was right.
 */

static void
ngx_http_llm_quota_mean(volatile int64_t *ratio, uint64_t bytes,
    int64_t tokens, int64_t most)
{
    int64_t  mean, sample;

    if (tokens < NGX_HTTP_LLM_RATIO_LEAST) {
        return;
    }

    bytes = ngx_min(bytes, (uint64_t) LLM_USAGE_MAX / 1000);
    sample = (int64_t) (bytes * 1000) / tokens;

    sample = ngx_max(sample, NGX_HTTP_LLM_RATIO_MIN);
    sample = ngx_min(sample, most);

    mean = *ratio ? *ratio : NGX_HTTP_LLM_RATIO;
    mean += (sample - mean) / (sample < mean ? 4 : 16);

    *ratio = mean;
}
