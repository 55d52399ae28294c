
/*
 * The provider as a program: see serve.c.
 *
 *     provider PORT CHUNKS GAP_MS
 */


#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "serve.h"


#define MAX_EVENTS  512


int
main(int argc, char **argv)
{
    int                  i, n, ep;
    sock_t              *s;
    struct epoll_event   events[MAX_EVENTS];

    if (argc != 4 || atoi(argv[2]) < 1 || atoi(argv[3]) < 1) {
        fprintf(stderr, "usage: provider PORT CHUNKS GAP_MS\n");
        return 2;
    }

    signal(SIGPIPE, SIG_IGN);

    ep = epoll_create1(0);

    if (ep == -1
        || serve_open(ep, atoi(argv[1]), atoi(argv[2]), atoi(argv[3])) == -1)
    {
        perror("provider");
        return 1;
    }

    for ( ;; ) {
        n = epoll_wait(ep, events, MAX_EVENTS, serve_run());

        for (i = 0; i < n; i++) {
            s = events[i].data.ptr;
            s->ready(s);
        }
    }
}
