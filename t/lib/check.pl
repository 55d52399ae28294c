#!/usr/bin/perl

# What reviewers should not have to look for: columns, layers, headers that
# stand alone, names that the README owes.  TAP; run by "make check".

use strict;
use warnings;

use File::Find;
use Test::More;

my $module = 'ngx_llm_gateway_module';
my $objs = $ENV{OBJS} || 'build/nginx';

my (@files, %source);

find({ no_chdir => 1, wanted => sub {
    if (m{^\./(?:\.git|build|t/servroot|.*/node_modules|node_modules)$}) {
        $File::Find::prune = 1;
        return;
    }

    push @files, substr $_, 2 if -f && -T;
} }, '.');

@files = sort @files;

for my $f (grep { m{^$module/.*\.[ch]$} } @files) {
    $source{$f} = slurp($f);
}


sub slurp {
    my ($f) = @_;

    open my $fh, '<', $f or die "$f: $!\n";
    local $/;
    return scalar <$fh>;
}


# One test with all its offenders named.

sub none {
    my ($what, @bad) = @_;

    ok(!@bad, $what) or diag(map { "  $_\n" } @bad);
}


sub includes {
    my ($f) = @_;

    my $text = $source{$f};
    $text =~ s{/\*.*?\*/}{}gs;
    return $text =~ /^\s*#\s*include\s+[<"]([^>"]+)[>"]/mg;
}


sub layer {
    my ($f) = @_;
    return $f =~ m{^$module/(\w+)/} ? $1 : '';
}


# ---- text

my (@wide, @tabs, @trail, @end, @long, @cplus);

for my $f (@files) {
    my $code = $f =~ /\.(?:[ch]|pm|pl|sh|js|mjs)$/ || $f eq 'config';
    my $text = $f =~ /\.(?:[ch]|pm|pl|sh|js|mjs|t|md|conf)$/
               || $f =~ /^(?:config|Makefile)$/;

    next unless $text;

    my ($n, $last) = (0, "\n");

    open my $fh, '<:utf8', $f or die "$f: $!\n";

    while (my $line = <$fh>) {
        $n++;
        $last = $line;
        my $bare = $line =~ s/\n$//r;

        # lines of a provider's script cannot be broken

        push @wide, "$f:$n"
            if $code && length $bare > 80
               && !($f =~ /mjs$/
                    && $bare =~ /^\s*(?:typed|data|json|forever)\s/);
        push @tabs, "$f:$n" if $code && $line =~ /\t/;
        push @trail, "$f:$n" if $line =~ /[ \t]\n/;
        push @cplus, "$f:$n" if $f =~ /\.[ch]$/ && $bare =~ m{^\s*//};
    }

    push @end, $f if $last !~ /\n\z/;
    push @long, "$f: $n lines" if $source{$f} && $n > 700;
}

none('80 columns at most', @wide);
none('no tabs', @tabs);
none('no spaces at line ends', @trail);
none('files end with a newline', @end);
none('no file of the module over 700 lines', @long);
none('comments are of C89', @cplus);


# ---- layers

my %header_layer = map { m{/([^/]+\.h)$} ? ($1 => layer($_)) : () }
                       keys %source;
my %below = (llm => [], service => [qw(llm)], conf => [qw(service llm)],
             http => [qw(conf service llm)]);
my (@up, @pure, @http, @peer, @proto, @first);

my $protocols = 'openai|anthropic|gemini|bedrock';

for my $f (sort keys %source) {
    my $layer = layer($f);
    my ($own) = $f =~ m{([^/]+)\.[ch]$};
    my @inc = includes($f);

    for my $i (@inc) {
        my $to = $header_layer{ $i =~ s{.*/}{}r };

        # the arithmetic of limits knows no LLM but its name

        next if $layer eq 'service' && $i =~ /^llm_(?:base|limit\w*)\.h$/;

        if (defined $to && $to ne $layer
            && !grep { $_ eq $to } @{ $below{$layer} })
        {
            push @up, "$f includes $i of $to/";
        }

        push @pure, "$f includes $i"
            if $layer eq 'llm' && $i =~ /^ngx_/;

        push @http, "$f includes $i"
            if $layer eq 'service' && $i eq 'ngx_http.h'
               && $f !~ /_compat\.h$/;

        # a service stands alone, but for those whose data lies in the
        # zone, and the files of one service

        if ($layer eq 'service' && ($to // '') eq 'service'
            && $i !~ /^\Q$own\E\.h$/ && $i ne 'ngx_llm_compat.h'
            && $i ne 'ngx_llm_tls.h'
            && !($own =~ /^ngx_llm_(health|quota|state|keys|totals|redis|tally)/
                 && $i =~ /^ngx_llm_$1/)
            && !($own =~ /^ngx_llm_(?:log|health|quota|state|keys|totals|tally)/
                 && $i =~ /^ngx_llm_(?:zone|state)\.h$/))
        {
            push @peer, "$f includes $i";
        }

        if ($own =~ /^llm_($protocols)/) {
            my $mine = $1;
            push @proto, "$f includes $i"
                if $i =~ /^llm_($protocols)/ && $1 ne $mine;
        }
    }

    if ($layer eq 'conf') {
        push @up, "$f includes the module's header"
            if grep { $_ eq 'ngx_http_llm_module.h' } @inc;
        push @up, "$f names a request"
            if uncomment($source{$f}) =~ /\bngx_http_request_t\b/;
    }

    if ($layer eq 'llm' && uncomment($source{$f}) =~ /\b(ngx_\w+)/) {
        push @pure, "$f names $1";
    }
}


sub uncomment {
    my ($text) = @_;

    $text =~ s{/\*.*?\*/}{}gs;
    return $text;
}


none('no layer includes one above it', @up);
none('llm/ knows no nginx', @pure);
none('service/ knows no http', @http);
none('services stand alone', @peer);
none('protocols stand alone', @proto);

my @undefined;

for my $o (sort glob "$objs/addon/llm/*.o") {
    for (split /\n/, `nm -u $o`) {
        push @undefined, "$o: $1" if /\bU\s+(ngx_\w+)/;
    }
}

none('objects of llm/ need nothing of nginx', @undefined);


# ---- headers

SKIP: {
    skip 'not configured', 1 unless -f "$objs/from";

    chomp(my $from = slurp("$objs/from"));
    chomp(my $top = `pwd`);

    my $inc = join ' ', map { "-I$_" }
        "$from/src/core", "$from/src/event", "$from/src/event/modules",
        "$from/src/os/unix", "$from/src/http", "$from/src/http/modules",
        "$from/src/http/v2",
        (map { "$top/$module/$_" } qw(llm service conf http)),
        $objs =~ m{^/} ? $objs : "$top/$objs";
    my @bad;

    for my $h (grep { /\.h$/ } sort keys %source) {
        my $out = `echo '#include "$h"' | cc -fsyntax-only -W -Wall \\
            -Wno-unused-parameter -Werror $inc -I. -x c - 2>&1`;
        push @bad, "$h: " . (split /\n/, $out)[0] if $?;
    }

    none('each header compiles alone', @bad);
}


# ---- what the README owes

SKIP: {
    skip 'no README.md', 4 unless -f 'README.md';

    my $readme = slurp('README.md');
    my (%directives, %variables);

    for my $f (sort keys %source) {
        my $text = uncomment($source{$f});

        next if $f !~ m{/(?:conf|http)/};

        # rows of command tables, and of block tables with counts of words

        while ($text =~ /\{\s*ngx_string\("([a-z][a-z0-9_]*)"\)\s*,\s*
                         (?:NGX_\w+_CONF|\d+\s*,\s*(?:\d+|NGX_\w+_ANY))/gx)
        {
            $directives{$1} = $f;
        }
    }

    # variables come from macros, so their names are read from the object

    for my $o (glob "$objs/addon/http/ngx_http_llm_variables.o") {
        my $strings = `readelf -p .rodata.str1.1 -p .rodata.str1.8 $o \\
                       2> /dev/null`;
        $variables{$1} = $o while $strings =~ /\]\s+(llm_\w+)$/mg;
    }

    cmp_ok(scalar keys %variables, '>', 20, 'variables were found');
    cmp_ok(scalar keys %directives, '>', 8, 'directives were found');

    none('README.md names each directive',
         map { "$_ ($directives{$_})" }
             grep { $readme !~ /(?<![\w\$])\Q$_\E(?!\w)/ }
             sort keys %directives);
    none('README.md names each variable',
         map { "\$$_ ($variables{$_})" }
             grep { $readme !~ /\$\Q$_\E(?!\w)/ } sort keys %variables);
}

done_testing();
