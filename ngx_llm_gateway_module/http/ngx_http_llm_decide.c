
/*
 * What follows a failure: the class is asked with what is known of routes,
 * backups and budgets, and the answer is told to the error log and the record.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_ladder.h"


llm_decision_t *
ngx_http_llm_ladder_decide(ngx_http_llm_attempt_t *at)
{
    if (!at->decided) {
        at->decided = 1;
        at->decision = ngx_http_llm_ladder_ask(at->ctx, at, at->failure);
    }

    return &at->decision;
}


/* at may be NULL: nothing was tried, failure tells why not */

llm_decision_t
ngx_http_llm_ladder_ask(ngx_http_llm_ctx_t *ctx, ngx_http_llm_attempt_t *at,
    llm_failure_e failure)
{
    unsigned                   retries;
    ngx_msec_t                 wait;
    ngx_uint_t                 shut, percent;
    llm_ladder_t               ladder;
    llm_failure_e              other;
    llm_policy_t              *policy;
    llm_decision_t             d;
    ngx_http_llm_candidate_t  *cand;

    policy = &ctx->class->policy;
    percent = ctx->class->retry_budget;

    ngx_memzero(&ladder, sizeof(llm_ladder_t));

    ladder.failure = failure;
    ladder.attempts = ctx->attempts.nelts;
    ladder.elapsed_ms = (int64_t) (ngx_current_msec - ctx->ladder_start);
    ladder.retry_after_ms = -1;
    ladder.random = (uint32_t) ngx_random();
    ladder.queued = ctx->has_queued;
    ladder.budget = 1;
    ladder.backups = ngx_http_llm_plan_has_backup(ctx);

    if (at == NULL) {
        return llm_policy_next(policy, &ladder);
    }

    if (at->overdue) {
        d.move = LLM_MOVE_STOP;
        d.reason = LLM_REASON_DEADLINE;
        d.delay_ms = 0;

        return d;
    }

    cand = ngx_http_llm_routes_next(ctx, &other, &wait);

    shut = ngx_http_llm_health_shut(at->route);

    ladder.retries = shut ? policy->retries : at->retry;
    ladder.retry_after_ms = at->pace.retry_after_ms;
    ladder.committed = at->committed;
    ladder.routes = (cand != NULL);

    d = llm_policy_next(policy, &ladder);

    /*
     * A retry or a switch is extra load on the upstream that it goes to, which
     * is the one whose budget counts
     */

    if (d.move == LLM_MOVE_RETRY
        && !ngx_http_llm_health_budget(at->route, percent))
    {
        retries = ladder.retries;
        ladder.retries = policy->retries;

        d = llm_policy_next(policy, &ladder);

        if (d.move == LLM_MOVE_STOP) {
            ladder.retries = retries;
            ladder.budget = 0;
            d = llm_policy_next(policy, &ladder);
        }
    }

    if (d.move == LLM_MOVE_SWITCH
        && !ngx_http_llm_health_budget(cand->route, percent))
    {
        ladder.budget = 0;
        d = llm_policy_next(policy, &ladder);
    }

    if (shut && at->retry < policy->retries
        && (policy->retry_on & llm_failure_bit(failure))
        && d.reason == LLM_REASON_CLASS)
    {
        /* the class would have asked it again, its breaker does not */

        d.reason = LLM_REASON_ROUTES;
    }

    return d;
}


/* one line per move: what failed, what is next, why it is allowed */

void
ngx_http_llm_ladder_tell(ngx_http_llm_attempt_t *at)
{
    u_char              *p;
    size_t               len;
    ngx_str_t           *kind, *move, *reason;
    ngx_http_llm_ctx_t  *ctx;

    ctx = at->ctx;

    kind = ngx_http_llm_str(&llm_failure_names[at->failure]);
    move = ngx_http_llm_str(&llm_move_names[at->decision.move]);
    reason = ngx_http_llm_str(&llm_reason_names[at->decision.reason]);

    if (!at->told) {
        at->told = 1;
        at->words = at->error;
    }

    ngx_log_error(NGX_LOG_WARN, ctx->request->connection->log, 0,
                  "llm attempt %ui on route \"%V\" failed, %V: %s; next: %V "
                  "after %L ms, class \"%V\", %V",
                  at->n, &at->route->name, kind,
                  at->words ? at->words : "no answer", move,
                  at->decision.delay_ms, &ctx->class->name, reason);

    /* the record tells the same, at last what the ladder stopped by */

    len = kind->len + reason->len + sizeof(": , stopped by ")
          + (at->words ? ngx_strlen(at->words) : 0);

    p = ngx_pnalloc(ctx->request->pool, len);
    if (p == NULL) {
        return;
    }

    if (at->decision.move == LLM_MOVE_STOP) {
        ngx_sprintf(p, "%V: %s, stopped by %V%Z", kind,
                    at->words ? at->words : "", reason);
    } else {
        ngx_sprintf(p, "%V: %s%Z", kind, at->words ? at->words : "");
    }

    at->error = (char *) p;
}
