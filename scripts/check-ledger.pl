#!/usr/bin/perl

# Whether the usage log and the counters of limits say the same.
#
#   check-ledger.pl LOG [KIND=NAME ...]
#
# sums the cost of the log's records, exactly, over all and by key, owner,
# team, app, env, model and provider; with names those alone.  A second run
# with --since=TIME (as in the records, 2026-11-28T00:00:00Z) counts from
# there on: the beginning of a budget's window.  What is printed is what a
# budget's message, and explain's "limits", call "spent".

use strict;
use warnings;

use JSON::PP;
use Math::BigInt;

my $since = '';

@ARGV = grep { /^--since=(.*)$/ ? ($since = $1, 0)[1] : 1 } @ARGV;

my ($log, @want) = @ARGV;

die "usage: $0 [--since=TIME] LOG [KIND=NAME ...]\n" if !defined $log;

my $json = JSON::PP->new->utf8;
my (%sum, $n, $bad);


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

    $sum{$_} = ($sum{$_} // Math::BigInt->bzero) + $cost for keys %of;

    for my $at (@{ $r->{attempts} // [] }) {
        next if !defined $at->{provider};
        my $id = "provider=$at->{provider}";
        $sum{$id} = ($sum{$id} // Math::BigInt->bzero) + nano($at->{cost});
    }
}

@want = sort keys %sum if !@want;

printf "%-40s %s\n", $_, usd($sum{$_} // Math::BigInt->bzero) for @want;

print STDERR $n // 0, " records", $bad ? ", $bad lines that are none" : '',
    "\n";

exit($bad ? 1 : 0);
