
/*
 * Stands in for what services call of nginx and of the zone: memory that
 * forked processes share, and a clock that the test drives.  It is told when
 * the lock is missing, or taken twice.
 */


#ifndef _STAND_IN_H_INCLUDED_
#define _STAND_IN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_llm_zone.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>


#define STAND_IN_SIZE  (8 * 1024 * 1024)


typedef struct stand_in_piece_s  stand_in_piece_t;

struct stand_in_piece_s {
    stand_in_piece_t  *next;
    size_t             size;
};


struct ngx_llm_zone_s {
    ngx_atomic_t       lock;
    size_t             used;
    size_t             limit;
    u_char            *last;
    stand_in_piece_t  *spare;
    void              *root;
    size_t             root_size;
};


static ngx_cycle_t         stand_in_cycle;

volatile ngx_msec_t        ngx_current_msec;
volatile ngx_cycle_t      *ngx_cycle = &stand_in_cycle;
ngx_pid_t                  ngx_pid;
ngx_int_t                  ngx_process_slot;


static ngx_inline void
stand_in_broken(const char *what)
{
    printf("Bail out! %s\n", what);
    fflush(stdout);
    _exit(2);
}


static ngx_inline ngx_llm_zone_t *
stand_in_zone(size_t limit)
{
    ngx_llm_zone_t  *zone;

    zone = mmap(NULL, STAND_IN_SIZE, PROT_READ|PROT_WRITE,
                MAP_ANON|MAP_SHARED, -1, 0);
    if (zone == MAP_FAILED) {
        stand_in_broken("mmap() failed");
    }

    zone->limit = limit ? limit : STAND_IN_SIZE / 2;
    zone->last = (u_char *) zone + 4096;

    return zone;
}


static ngx_inline void
stand_in_zone_done(ngx_llm_zone_t *zone)
{
    munmap(zone, STAND_IN_SIZE);
}


void
ngx_llm_zone_lock(ngx_llm_zone_t *zone)
{
    if (zone->lock == (ngx_atomic_uint_t) ngx_pid) {
        stand_in_broken("the lock is taken twice");
    }

    while (!ngx_atomic_cmp_set(&zone->lock, 0, (ngx_atomic_uint_t) ngx_pid)) {
        sched_yield();
    }
}


void
ngx_llm_zone_unlock(ngx_llm_zone_t *zone)
{
    if (!ngx_atomic_cmp_set(&zone->lock, (ngx_atomic_uint_t) ngx_pid, 0)) {
        stand_in_broken("a lock is given back that was not taken");
    }
}


/* not cleared, as the slab is not */

void *
ngx_llm_zone_alloc_locked(ngx_llm_zone_t *zone, size_t size)
{
    stand_in_piece_t  *p, **prev;

    if (zone->lock != (ngx_atomic_uint_t) ngx_pid) {
        stand_in_broken("memory is asked for without the lock");
    }

    size = ngx_align(size, 64);

    if (zone->used + size > zone->limit) {
        return NULL;
    }

    zone->used += size;

    for (prev = &zone->spare; *prev; prev = &(*prev)->next) {
        p = *prev;

        if (p->size == size) {
            *prev = p->next;
            memset(p + 1, 0xa5, size);
            return p + 1;
        }
    }

    p = (stand_in_piece_t *) zone->last;
    zone->last += sizeof(stand_in_piece_t) + size;

    if (zone->last > (u_char *) zone + STAND_IN_SIZE) {
        stand_in_broken("the zone is too small for the test");
    }

    p->size = size;
    memset(p + 1, 0xa5, size);

    return p + 1;
}


void
ngx_llm_zone_free_locked(ngx_llm_zone_t *zone, void *data)
{
    stand_in_piece_t  *p;

    if (zone->lock != (ngx_atomic_uint_t) ngx_pid) {
        stand_in_broken("memory is freed without the lock");
    }

    p = (stand_in_piece_t *) data - 1;

    memset(data, 0x5a, p->size);

    p->next = zone->spare;
    zone->spare = p;
    zone->used -= p->size;
}


void *
ngx_llm_zone_root(ngx_llm_zone_t *zone, const char *name, size_t size)
{
    ngx_llm_zone_lock(zone);

    if (zone->root == NULL) {
        zone->root = ngx_llm_zone_alloc_locked(zone, size);

        if (zone->root) {
            memset(zone->root, 0, size);
            zone->root_size = size;
        }
    }

    ngx_llm_zone_unlock(zone);

    return zone->root_size == size ? zone->root : NULL;
}


/* kept to the end: pools are not what is tested */

static void  *stand_in_kept[4096];
static int    stand_in_nkept;


void *
ngx_pcalloc(ngx_pool_t *pool, size_t size)
{
    void  *p;

    if (stand_in_nkept == 4096) {
        stand_in_broken("too many allocations");
    }

    p = calloc(1, size);
    stand_in_kept[stand_in_nkept++] = p;

    return p;
}


/* a worker in the slot: 0 in the child, its pid in the parent */

static ngx_inline ngx_pid_t
stand_in_worker(ngx_int_t slot)
{
    ngx_pid_t  pid;

    fflush(stdout);

    pid = fork();

    if (pid == 0) {
        ngx_pid = getpid();
        ngx_process_slot = slot;
    }

    return pid;
}


static ngx_inline int
stand_in_wait(ngx_pid_t pid)
{
    int  status;

    if (waitpid(pid, &status, 0) != pid) {
        return -1;
    }

    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}


#endif /* _STAND_IN_H_INCLUDED_ */
