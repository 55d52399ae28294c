
/*
 * Settlements, from when they are written until Redis has confirmed them.  One
 * that tells of use lies in the zone meanwhile, since the change of the zone
 * that counted it there: should its worker die, another one sends it.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_redis.h"


/* how often it is looked for what waits, or is left by others; milliseconds */
#define NGX_HTTP_LLM_REDIS_AGAIN   1000

/* letters of others that are sent at once */
#define NGX_HTTP_LLM_REDIS_FOUND   64


/*
 * A settlement that Redis has not confirmed.  argv is that of the script; its
 * text lies behind it, or in the zone.
 *
 *   WAITING -> SENT -> gone        confirmed
 *   SENT -> WAITING                not executed, or nobody knows: then it is
 *                                  sent again as one that may have been
 *   WAITING -> gone                left to whoever looks next
 */

struct ngx_http_llm_redis_letter_s {
    ngx_queue_t                queue;         /* while it waits */
    ngx_llm_tally_letter_t    *kept;          /* in the zone, or NULL */
    unsigned                   used:1;        /* not nothing: it must arrive */
    unsigned                   later:1;
    unsigned                   draft:1;
    ngx_uint_t                 argc;
    ngx_str_t                 *argv;
};


static ngx_http_llm_redis_letter_t *ngx_http_llm_redis_letter(
    llm_script_call_t *call);
static ngx_http_llm_redis_letter_t *ngx_http_llm_redis_letter_call(
    const llm_script_claim_t *claim, llm_script_mode_e mode);
static void ngx_http_llm_redis_keep_letter(
    ngx_http_llm_redis_letter_t *letter);
static void ngx_http_llm_redis_send_letter(
    ngx_http_llm_redis_letter_t *letter);
static void ngx_http_llm_redis_wait(ngx_http_llm_redis_letter_t *letter);
static void ngx_http_llm_redis_leave(ngx_http_llm_redis_letter_t *letter);
static void ngx_http_llm_redis_settled(void *data, ngx_int_t rc,
    redisReply *reply);
static void ngx_http_llm_redis_full(ngx_str_t *name);
static void ngx_http_llm_redis_unsafe(void);
static void ngx_http_llm_redis_again(ngx_event_t *ev);
static ngx_uint_t ngx_http_llm_redis_find(void);
static ngx_http_llm_redis_letter_t *ngx_http_llm_redis_found(
    ngx_llm_tally_letter_t *kept, ngx_uint_t n, ngx_uint_t sent);


ngx_llm_redis_script_t               ngx_http_llm_redis_settlement;

static ngx_queue_t                   ngx_http_llm_redis_letters;
static ngx_uint_t                    ngx_http_llm_redis_nletters;
static ngx_event_t                   ngx_http_llm_redis_again_event;


void
ngx_http_llm_redis_letters_init(ngx_cycle_t *cycle)
{
    ngx_event_t  *ev;

    ngx_queue_init(&ngx_http_llm_redis_letters);
    ngx_http_llm_redis_nletters = 0;

    ngx_http_llm_str_set(&ngx_http_llm_redis_settlement.text,
                         &llm_script_settle);
    ngx_llm_redis_script_init(&ngx_http_llm_redis_settlement);

    ev = &ngx_http_llm_redis_again_event;
    ev->handler = ngx_http_llm_redis_again;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_HTTP_LLM_REDIS_AGAIN);
}


void
ngx_http_llm_redis_letters_stop(void)
{
    ngx_queue_t                  *q;
    ngx_http_llm_redis_letter_t  *letter;

    while (!ngx_queue_empty(&ngx_http_llm_redis_letters)) {

        q = ngx_queue_head(&ngx_http_llm_redis_letters);
        ngx_queue_remove(q);

        letter = ngx_queue_data(q, ngx_http_llm_redis_letter_t, queue);

        ngx_http_llm_redis_leave(letter);
    }
}


void
ngx_http_llm_redis_write(ngx_http_llm_redis_mail_t *mail,
    const llm_script_claim_t *claim, llm_script_mode_e mode, ngx_uint_t draft)
{
    ngx_http_llm_redis_letter_t  *letter;

    letter = ngx_http_llm_redis_letter_call(claim, mode);

    if (letter == NULL) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "no memory: a settlement of %L nano-dollars does not "
                      "reach redis", claim->used.money);
        return;
    }

    letter->draft = draft;

    mail->letters[mail->n++] = letter;
}


void
ngx_http_llm_redis_give_back(llm_script_claim_t *claim, llm_script_mode_e mode)
{
    ngx_http_llm_redis_letter_t  *letter;

    ngx_memzero(&claim->used, sizeof(llm_amount_t));

    letter = ngx_http_llm_redis_letter_call(claim, mode);

    /* without memory it ends by itself */

    if (letter) {
        ngx_http_llm_redis_send_letter(letter);
    }
}


static ngx_http_llm_redis_letter_t *
ngx_http_llm_redis_letter_call(const llm_script_claim_t *claim,
    llm_script_mode_e mode)
{
    llm_arena_t                   arena;
    llm_script_call_t             call;
    ngx_http_llm_redis_letter_t  *letter;

    ngx_http_llm_redis_paper(&arena);

    if (llm_script_settle_call(claim, mode,
                        ngx_http_llm_pure(
                            &ngx_http_llm_redis_worker()->conf->prefix),
                        ngx_http_llm_redis_now(), &arena, &call)
        != LLM_OK)
    {
        return NULL;
    }

    letter = ngx_http_llm_redis_letter(&call);

    if (letter) {
        letter->later = (mode == LLM_SCRIPT_LATER);
        letter->used = (claim->used.requests
                        || claim->used.input_tokens
                        || claim->used.output_tokens
                        || claim->used.money);
    }

    return letter;
}


/* outlives the request */

static ngx_http_llm_redis_letter_t *
ngx_http_llm_redis_letter(llm_script_call_t *call)
{
    u_char                       *p;
    size_t                        size;
    ngx_uint_t                    i;
    ngx_http_llm_redis_letter_t  *letter;

    size = sizeof(ngx_http_llm_redis_letter_t)
           + call->argc * sizeof(ngx_str_t);

    for (i = 2; i < call->argc; i++) {
        size += call->argv[i].len;
    }

    letter = ngx_alloc(size, ngx_cycle->log);
    if (letter == NULL) {
        return NULL;
    }

    ngx_memzero(letter, sizeof(ngx_http_llm_redis_letter_t));

    letter->argc = call->argc;
    letter->argv = (ngx_str_t *) (letter + 1);

    p = (u_char *) (letter->argv + call->argc);

    for (i = 2; i < call->argc; i++) {
        letter->argv[i].len = call->argv[i].len;
        letter->argv[i].data = p;
        p = ngx_cpymem(p, call->argv[i].data, call->argv[i].len);
    }

    return letter;
}


ngx_str_t *
ngx_http_llm_redis_mode(ngx_str_t *argv)
{
    ngx_uint_t  nkeys;

    nkeys = ngx_atoi(argv[2].data, argv[2].len);

    return &argv[3 + nkeys];
}


void
ngx_http_llm_redis_keep(ngx_http_llm_redis_mail_t *mail)
{
    ngx_uint_t                    i, k;
    ngx_str_t                    *name;
    ngx_llm_tally_t              *tally;
    ngx_http_llm_redis_letter_t  *letter;

    tally = ngx_http_llm_redis_worker()->tally;

    for (i = 0; i < mail->ndrafts; i++) {

        mail->old[i] = mail->drafts[i];
        mail->drafts[i] = NULL;

        if (mail->old[i]) {
            ngx_llm_tally_void(tally, mail->old[i]);
        }
    }

    k = 0;

    for (i = 0; i < mail->n; i++) {

        letter = mail->letters[i];

        if (letter->later && !letter->draft) {

            name = ngx_http_llm_redis_owe(letter->argv);

            if (name) {
                mail->full = name;
            }

            continue;
        }

        if (letter->used || letter->draft) {
            ngx_http_llm_redis_keep_letter(letter);
            mail->unsafe |= (letter->kept == NULL);
        }

        if (letter->draft) {
            mail->drafts[k++] = letter->kept;
        }
    }
}


static void
ngx_http_llm_redis_keep_letter(ngx_http_llm_redis_letter_t *letter)
{
    u_char  mode;

    letter->kept = ngx_llm_tally_keep(ngx_http_llm_redis_worker()->tally,
                                      &letter->argv[2], letter->argc - 2,
                                      letter->draft);

    mode = ngx_http_llm_redis_mode(letter->argv)->data[0];

    if (letter->kept && mode == 'a') {
        ngx_llm_tally_sent(letter->kept, 1);
    }
}


void
ngx_http_llm_redis_kept(ngx_http_llm_redis_mail_t *mail)
{
    ngx_uint_t  i;

    for (i = 0; i < mail->ndrafts; i++) {
        if (mail->old[i]) {
            ngx_llm_tally_voided(ngx_http_llm_redis_worker()->tally,
                                 mail->old[i]);
        }
    }
}


void
ngx_http_llm_redis_send(ngx_http_llm_redis_mail_t *mail)
{
    ngx_uint_t                    i;
    ngx_http_llm_redis_letter_t  *letter;

    if (mail->full) {
        ngx_http_llm_redis_full(mail->full);
    }

    if (mail->unsafe && ngx_http_llm_redis_worker()->tally) {
        ngx_http_llm_redis_unsafe();
    }

    for (i = 0; i < mail->n; i++) {
        letter = mail->letters[i];

        if (letter->draft || letter->later) {
            ngx_free(letter);

        } else {
            ngx_http_llm_redis_send_letter(letter);
        }
    }
}


/* what may have been executed is known before it is */

static void
ngx_http_llm_redis_send_letter(ngx_http_llm_redis_letter_t *letter)
{
    ngx_llm_redis_t  *client;

    client = ngx_http_llm_redis_worker()->client;

    if (letter->kept) {
        ngx_llm_tally_sent(letter->kept, 1);
    }

    if (client == NULL
        || ngx_llm_redis_eval(client, &ngx_http_llm_redis_settlement,
                              letter->argv, letter->argc,
                              ngx_http_llm_redis_settled, letter)
           == NULL)
    {
        ngx_http_llm_redis_settled(letter, NGX_DECLINED, NULL);
    }
}


static void
ngx_http_llm_redis_settled(void *data, ngx_int_t rc, redisReply *reply)
{
    ngx_http_llm_redis_letter_t *letter = data;

    ngx_str_t  *mode;

    if (rc == NGX_OK || rc == NGX_ERROR) {

        /* an error of the script itself does not go away; it is logged */

        if (letter->kept) {
            ngx_llm_tally_forget(ngx_http_llm_redis_worker()->tally,
                                 letter->kept);
        }

        ngx_free(letter);
        return;
    }

    mode = ngx_http_llm_redis_mode(letter->argv);

    if (mode->data[0] == 'f') {

        if (rc == NGX_ABORT) {
            ngx_str_set(mode, "a");

        } else if (letter->kept) {
            ngx_llm_tally_sent(letter->kept, 0);
        }
    }

    ngx_http_llm_redis_wait(letter);
}


static void
ngx_http_llm_redis_wait(ngx_http_llm_redis_letter_t *letter)
{
    if (ngx_http_llm_redis_worker()->client == NULL
        || ngx_http_llm_redis_nletters >= NGX_HTTP_LLM_REDIS_LETTERS)
    {
        ngx_http_llm_redis_leave(letter);
        return;
    }

    ngx_queue_insert_tail(&ngx_http_llm_redis_letters, &letter->queue);
    ngx_http_llm_redis_nletters++;
}


/* to other workers, or the next ones; what found no place in the zone and was
   not sent has one among what is owed */

static void
ngx_http_llm_redis_leave(ngx_http_llm_redis_letter_t *letter)
{
    ngx_str_t                    *name;
    ngx_http_llm_redis_worker_t  *worker;

    worker = ngx_http_llm_redis_worker();
    name = &letter->argv[3];

    if (letter->kept == NULL && worker->zone) {

        ngx_llm_zone_lock(worker->zone);

        ngx_http_llm_redis_keep_letter(letter);

        if (letter->kept == NULL
            && ngx_http_llm_redis_mode(letter->argv)->data[0] == 'f')
        {
            name = ngx_http_llm_redis_owe(letter->argv);
        }

        ngx_llm_zone_done(worker->zone);
        ngx_llm_zone_unlock(worker->zone);
    }

    if (letter->kept) {
        ngx_llm_tally_leave(worker->tally, letter->kept);

    } else if (name && letter->used) {
        ngx_http_llm_redis_full(name);
    }

    ngx_free(letter);
}


static void
ngx_http_llm_redis_full(ngx_str_t *name)
{
    ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                  "the zone is full: what \"%V\" used does not reach redis; "
                  "make llm_zone larger", name);
}


static void
ngx_http_llm_redis_unsafe(void)
{
    static time_t  told;

    if (told == ngx_time()) {
        return;
    }

    told = ngx_time();

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "the zone has no room for settlements on their way to "
                  "redis: they are lost should this worker die; make llm_zone "
                  "larger");
}


void
ngx_http_llm_redis_ready(void *data)
{
    ngx_http_llm_redis_again(&ngx_http_llm_redis_again_event);
}


/*
 * Redis is there, or may be: settlements go first, then those of others, then
 * what is owed.  What the connection does not take now comes with the next
 * turn.
 */

static void
ngx_http_llm_redis_again(ngx_event_t *ev)
{
    ngx_uint_t                    n, more;
    ngx_queue_t                  *q;
    ngx_http_llm_redis_letter_t  *letter;
    ngx_http_llm_redis_worker_t  *worker;

    n = ngx_http_llm_redis_nletters;
    worker = ngx_http_llm_redis_worker();

    while (n-- && worker->client && ngx_llm_redis_available(worker->client)) {

        q = ngx_queue_head(&ngx_http_llm_redis_letters);
        ngx_queue_remove(q);
        ngx_http_llm_redis_nletters--;

        letter = ngx_queue_data(q, ngx_http_llm_redis_letter_t, queue);
        ngx_http_llm_redis_send_letter(letter);
    }

    more = ngx_http_llm_redis_find();
    more |= ngx_http_llm_redis_pay();

    if (worker->client) {
        ngx_add_timer(ev, more ? 1 : NGX_HTTP_LLM_REDIS_AGAIN);
    }
}


/* letters of workers that are gone: 1: there may be more, and Redis takes it */

static ngx_uint_t
ngx_http_llm_redis_find(void)
{
    ngx_uint_t                    i, n, sent;
    ngx_llm_tally_letter_t       *kept;
    ngx_http_llm_redis_letter_t  *letter;
    ngx_http_llm_redis_worker_t  *worker;

    worker = ngx_http_llm_redis_worker();

    for (i = 0; i < NGX_HTTP_LLM_REDIS_FOUND; i++) {

        if (worker->client == NULL
            || !ngx_llm_redis_available(worker->client))
        {
            return 0;
        }

        kept = ngx_llm_tally_adopt(worker->tally, &n, &sent);

        if (kept == NULL) {
            return 0;
        }

        letter = ngx_http_llm_redis_found(kept, n, sent);

        if (letter == NULL) {
            ngx_llm_tally_leave(worker->tally, kept);
            return 0;
        }

        ngx_http_llm_redis_send_letter(letter);
    }

    return 1;
}


/* its words are those in the zone */

static ngx_http_llm_redis_letter_t *
ngx_http_llm_redis_found(ngx_llm_tally_letter_t *kept, ngx_uint_t n,
    ngx_uint_t sent)
{
    ngx_str_t                    *mode;
    ngx_http_llm_redis_letter_t  *letter;

    letter = ngx_calloc(sizeof(ngx_http_llm_redis_letter_t)
                        + (n + 2) * sizeof(ngx_str_t), ngx_cycle->log);
    if (letter == NULL) {
        return NULL;
    }

    letter->kept = kept;
    letter->used = 1;
    letter->argc = n + 2;
    letter->argv = (ngx_str_t *) (letter + 1);

    ngx_llm_tally_read(kept, &letter->argv[2]);

    mode = ngx_http_llm_redis_mode(letter->argv);

    if (sent && mode->data[0] == 'f') {
        ngx_str_set(mode, "a");
    }

    return letter;
}
