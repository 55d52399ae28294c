#!/usr/bin/perl

# Whether the usage log and the counters of limits say the same.
#
#   check-ledger.pl LOG [KIND=NAME ...]
#   check-ledger.pl --admin=http://127.0.0.1:8080/llm --token=TOKEN LOG
#
# With --admin it reads the counters of budgets from llm_admin and compares
# each with the records of its window: it ends with 1, and says which, where
# they differ.  That is so while requests are in flight, where a budget was
# reset or topped up, and where the log was begun after the window.  TOKEN may
# be env:NAME.
#
# Without --admin it sums the cost of the log's records, exactly, over all and
# by key, owner, team, app, env, model and provider; with names those alone.  A
# second run with --since=TIME (as in the records, 2026-11-28T00:00:00Z) counts
# from there on: the beginning of a budget's window.  What is printed is what a
# budget's message, and explain's "limits", call "spent".

use strict;
use warnings;

use JSON::PP;
use Math::BigInt;

my ($since, $admin, $token) = ('', '', '');

for (@ARGV) {
    $since = $1 if /^--since=(.*)$/;
    $admin = $1 if /^--admin=(.*?)\/*$/;
    $token = $1 if /^--token=(.*)$/;
}

@ARGV = grep { !/^--(?:since|admin|token)=/ } @ARGV;
$token = $ENV{$1} // '' if $token =~ /^env:(\w+)$/;

my ($log, @want) = @ARGV;

die "usage: $0 [--since=TIME] [--admin=URL --token=TOKEN] LOG"
    . " [KIND=NAME ...]\n" if !defined $log;

my $json = JSON::PP->new->utf8;
my (%sum, %costs, $n, $bad);


# nano-dollars, without a detour over floating point

sub nano {
    my ($text) = @_;

    return Math::BigInt->bzero if !defined $text;

    my ($whole, $part) = $text =~ /^(\d+)(?:\.(\d{1,9}))?$/
        or die "$log: cost \"$text\" is no amount\n";

    return Math::BigInt->new($whole . substr(($part // '') . '0' x 9, 0, 9));
}


sub usd {
    my ($nano) = @_;

    my $text = sprintf '%010s', $nano->bstr;
    $text =~ s/ /0/g;
    $text =~ s/(\d{9})$/.$1/;
    $text =~ s/\.?0+$// if $text =~ /\./;

    return $text eq '' ? '0' : $text;
}


open my $fh, '<:raw', $log or die "$log: $!\n";

while (my $line = <$fh>) {
    my $r = eval { $json->decode($line) };

    if (!$r) {
        $bad++;
        next;
    }

    next if ($r->{time} // '') lt $since;

    $n++;

    # one attempt's price may be unknown where another's is not

    my $attempts = Math::BigInt->bzero;
    $attempts += nano($_->{cost}) for @{ $r->{attempts} // [] };

    my $cost = defined $r->{cost} ? nano($r->{cost}) : $attempts;

    warn "$log:$.: the attempts of $r->{id} cost ", usd($attempts), ", not ",
         usd($cost), "\n"
        if @{ $r->{attempts} // [] } && $attempts != $cost;

    my %of = (all => 'all');

    for my $kind (qw(key owner env model)) {
        $of{"$kind=$r->{$kind}"} = 1 if defined $r->{$kind};
    }

    for my $kind (qw(team app)) {
        next if !defined $r->{$kind};
        my $owner = defined $r->{owner} ? "$r->{owner}/" : '';
        $of{"$kind=$owner$r->{$kind}"} = 1;
    }

    for my $id (keys %of) {
        $sum{$id} = ($sum{$id} // Math::BigInt->bzero) + $cost;
        push @{ $costs{$id} }, [ $r->{time}, $cost ] if $admin;
    }

    for my $at (@{ $r->{attempts} // [] }) {
        next if !defined $at->{provider};
        my $id = "provider=$at->{provider}";
        $sum{$id} = ($sum{$id} // Math::BigInt->bzero) + nano($at->{cost});
        push @{ $costs{$id} }, [ $r->{time}, nano($at->{cost}) ] if $admin;
    }
}

exit compare() if $admin;

@want = sort keys %sum if !@want;

printf "%-40s %s\n", $_, usd($sum{$_} // Math::BigInt->bzero) for @want;

print STDERR $n // 0, " records", $bad ? ", $bad lines that are none" : '',
    "\n";

exit($bad ? 1 : 0);


sub escape {
    return $_[0] =~ s/([^\w.~-])/sprintf '%%%02X', ord $1/ger;
}


sub since {
    my ($of, $began) = @_;

    my $sum = Math::BigInt->bzero;

    $began =~ s/Z$//;
    $sum += $_->[1] for grep { $_->[0] ge $began } @{ $costs{$of} // [] };

    return $sum;
}


# Each budget's counter and the records since its window began.

sub compare {
    my ($after, $differ, $compared) = ('', 0, 0);

    require HTTP::Tiny;

    my $http = HTTP::Tiny->new(
        default_headers => { Authorization => "Bearer $token" });

    do {
        my $r = $http->get("$admin/limits?limit=1000&after="
                           . escape($after));

        die "$admin/limits: $r->{status} $r->{reason}\n" if !$r->{success};

        my $page = $json->decode($r->{content});

        for my $s (@{ $page->{limits} }) {
            for my $c (grep { $_->{counts} eq 'budget' } @{ $s->{counters} }) {

                my $sum = since($s->{subject}, $c->{began} // '');

                $compared++;
                next if $sum == $c->{spent};

                $differ++;
                printf "%s: the log has %s, the counter %s, since %s\n",
                       $s->{subject}, $sum, $c->{spent},
                       $c->{began} // 'ever';
            }
        }

        $after = $page->{next};

    } while (defined $after);

    print "$compared counters, ", $n // 0, " records: ",
          $differ ? "$differ differ\n" : "they say the same\n";

    return $differ || $bad ? 1 : 0;
}
