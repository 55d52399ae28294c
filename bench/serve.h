
/* the provider, for a program with an epoll loop of its own */


#ifndef _BENCH_SERVE_H_INCLUDED_
#define _BENCH_SERVE_H_INCLUDED_


/* what an event's data.ptr points to */

typedef struct sock_s  sock_t;

struct sock_s {
    int      fd;
    void   (*ready)(sock_t *s);
};


/* listens on loopback; -1 and errno */
int serve_open(int ep, int port, unsigned chunks, unsigned gap_ms);

/* sends events that are due; milliseconds until the next is, or -1 */
int serve_run(void);


#endif /* _BENCH_SERVE_H_INCLUDED_ */
