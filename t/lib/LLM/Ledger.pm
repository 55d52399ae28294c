package LLM::Ledger;

# Whether the usage log and the counters say the same, and workers that are
# killed at a step on the way there.

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(sleep time);

use LLM::Client;
use LLM::Ladder;
use LLM::Steps;

our @EXPORT = qw(admin spent records agree deadly gdb reborn);


# what GET says, of a host whose llm_admin is /llm/ with the token test-token

sub admin {
    my ($n, $path) = @_;

    my $s = LLM::Client::connection($n->{port});

    syswrite $s, "GET /llm/$path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                 . "Authorization: Bearer test-token\r\n\r\n";

    return answer({ s => $s, got => '', time => time })->{json};
}


# of a subject's budget, nano-dollars

sub spent {
    my ($n, $subject) = @_;

    for my $l (@{ admin($n, 'limits')->{limits} }) {
        next if $l->{subject} ne $subject;
        my ($c) = grep { $_->{counts} eq 'budget' } @{ $l->{counters} };
        return $c->{spent};
    }

    return 0;
}


sub records {
    my ($n) = @_;

    return map { JSON::PP::decode_json($_) }
           grep { /\S/ } LLM::Steps::lines($n->usage_file);
}


# whether all counters, and sums by key, say what the log says: "all the same"

sub agree {
    my ($n) = @_;

    my $said = '';
    my $check = "perl scripts/check-ledger.pl --token=test-token"
                . " --admin=http://127.0.0.1:$n->{port}/llm";

    LLM::Steps::wait_for(10, sub {
        $said = qx{$check @{[$n->usage_file]} 2>&1};
        return $? == 0 });

    return $said if $said !~ /they say the same$/m || $said =~ /cost/;

    my ($cost, $count, %ids) = (0, 0);

    for my $r (records($n)) {
        return "$r->{id} twice" if $ids{ $r->{id} }++;
        next if $r->{outcome} eq 'rejected' || !$r->{key};
        $count++;
        $cost += sprintf '%.0f', ($r->{cost} // 0) * 1e9;
    }

    my ($u) = @{ admin($n, 'usage?group_by=key')->{usage} };

    $u //= { requests => 0, cost => 0 };

    return "$count requests in the log, $u->{requests} in the sums"
        if $u->{requests} != $count;

    return 'all the same' if sprintf('%.0f', $u->{cost} * 1e9) == $cost;
    return "the log costs $cost, the sums $u->{cost}";
}


# Has the worker die where it comes to a function for the nth time, from 0.
# Returns its pid and that of gdb.

sub deadly {
    my ($n, $function, $nth) = @_;

    my ($pid) = $n->workers;
    my $said = $n->dir . "/logs/gdb-$pid.log";

    my $gdb = fork // die "fork: $!\n";

    if ($gdb == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $said;
        open STDERR, '>&', \*STDOUT;
        exec 'gdb', '-nx', '-batch', '-p', $pid,
             '-ex', "break $function", '-ex', "ignore 1 $nth",
             '-ex', 'echo ready\n', '-ex', 'continue', '-ex', 'kill';
        exit 127;
    }

    LLM::Steps::wait_for(20, sub {
        open my $fh, '<', $said or return;
        my $text = do { local $/; <$fh> } // '';
        return $text =~ /^ready/m || waitpid($gdb, POSIX::WNOHANG()) });

    return ($pid, $gdb);
}


# whether gdb can attach to a process here

sub gdb {
    my $sleep = fork // die "fork: $!\n";

    if ($sleep == 0) {
        sleep 20;
        POSIX::_exit(0);
    }

    my $text = qx{gdb -nx -batch -p $sleep -ex 'info program' 2>&1} // '';
    kill KILL => $sleep;
    waitpid $sleep, 0;

    return $text =~ /stopped|Last stopped/;
}


# another worker is there than the one with this pid

sub reborn {
    my ($n, $pid) = @_;

    return LLM::Steps::wait_for(10, sub {
        my ($now) = $n->workers;
        return $now && $now != $pid && $n->answers;
    });
}


1;
