package LLM::Json;

# Assertions on JSON, one word each:
#
#   path=value     equal, as text (true, false and null by these words)
#   path!=value    present and not equal
#   path~regex     matches
#   path>number  path<number
#   path           present
#   !path          absent
#
# A path is names and indices joined by dots: attempts.0.status.  A value
# with spaces is quoted: message~"not found".  Several words may stand on
# one line; a line may open with #N (the Nth document, from 1; the last is
# the default) or with #* (each of them).

use strict;
use warnings;

use JSON::PP ();


sub get {
    my ($doc, $path) = @_;

    for my $step (split /\./, $path) {
        if (ref $doc eq 'HASH' && exists $doc->{$step}) {
            $doc = $doc->{$step};

        } elsif (ref $doc eq 'ARRAY' && $step =~ /^-?\d+$/
                 && exists $doc->[$step])
        {
            $doc = $doc->[$step];

        } elsif (ref $doc eq 'ARRAY' && $step eq 'length') {
            $doc = @$doc;

        } else {
            return (0);
        }
    }

    return (1, $doc);
}


sub text {
    my ($v) = @_;

    return 'null' if !defined $v;
    return $v ? 'true' : 'false' if JSON::PP::is_bool($v);
    return JSON::PP->new->canonical->encode($v) if ref $v;
    return $v;
}


# What does not hold, as a list of sentences.

sub fails {
    my ($spec, $docs) = @_;

    my @bad;

    for my $line (split /\n/, $spec) {
        next if $line =~ /^\s*$/;

        my @which = (-1);

        if ($line =~ s/^\s*#(\d+|\*)//) {
            @which = $1 eq '*' ? (0 .. $#$docs) : ($1 - 1);
        }

        while ($line =~ /\G\s*((?:[^\s"]|"(?:[^"\\]|\\.)*")+)/g) {
            my $word = $1;

            for my $n (@which) {
                if ($n >= @$docs || !@$docs) {
                    push @bad, "$word: no such document";
                    next;
                }

                push @bad, map { "$word: $_" } one($word, $docs->[$n]);
            }
        }
    }

    return @bad;
}


sub one {
    my ($word, $doc) = @_;

    my ($not, $path, $op, $want)
        = $word =~ /^(!?)([\w.\/:-]+)(?:(!?=|[~<>])(.*))?$/s
        or return 'cannot read this assertion';

    my ($there, $value) = get($doc, $path);

    if ($not) {
        return $there ? 'it is there: ' . text($value) : ();
    }

    return 'it is not there' unless $there;
    return unless defined $op;

    if ($want =~ s/^"(.*)"$/$1/s) {
        $want =~ s/\\(["\\])/$1/g;
    }

    my $have = text($value);

    my $holds = $op eq '=' ? $have eq $want
                : $op eq '!=' ? $have ne $want
                : $op eq '~' ? $have =~ /$want/
                : $op eq '<' ? $have < $want
                : $have > $want;

    return $holds ? () : "it is \"$have\"";
}


1;
