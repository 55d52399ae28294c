package LLM::Certs;

# Certificates for the TLS port of the scripted provider, made on the spot.
# The server name that a client asks for picks one:
#
#   good.test        signed by ca.pem, also for 127.0.0.1 (the default)
#   other.test       signed by ca.pem
#   wrong.test       signed by ca.pem, but for elsewhere.test
#   expired.test     signed by ca.pem, ended yesterday
#   untrusted.test   signed by another authority

use strict;
use warnings;


sub make {
    my ($dir) = @_;

    require IO::Socket::SSL::Utils;
    IO::Socket::SSL::Utils->import;

    my $day = 86400;

    my $authority = sub {
        my ($name) = @_;
        return [ IO::Socket::SSL::Utils::CERT_create(
            subject => { commonName => $name }, CA => 1,
            not_before => time - 30 * $day, not_after => time + 30 * $day) ];
    };

    my ($ca, $other) = ($authority->('Test CA'), $authority->('Other CA'));

    my %want = (
        'good.test' => [ $ca, [ [ DNS => 'good.test' ],
                                [ DNS => 'localhost' ],
                                [ IP => '127.0.0.1' ] ] ],
        'other.test' => [ $ca, [ [ DNS => 'other.test' ] ] ],
        'wrong.test' => [ $ca, [ [ DNS => 'elsewhere.test' ] ] ],
        'expired.test' => [ $ca, [ [ DNS => 'expired.test' ] ], -1 ],
        'untrusted.test' => [ $other, [ [ DNS => 'untrusted.test' ] ] ],
    );

    my (%cert, %key);

    mkdir $dir;

    for my $name (keys %want) {
        my ($issuer, $san, $days) = @{ $want{$name} };

        my ($cert, $key) = IO::Socket::SSL::Utils::CERT_create(
            subject => { commonName => $san->[0][1] },
            subjectAltNames => $san,
            issuer => $issuer,
            purpose => 'server',
            not_before => time - 20 * $day,
            not_after => time + ($days // 20) * $day);

        $cert{$name} = "$dir/$name.pem";
        $key{$name} = "$dir/$name.key";
        IO::Socket::SSL::Utils::PEM_cert2file($cert, $cert{$name});
        IO::Socket::SSL::Utils::PEM_key2file($key, $key{$name});
    }

    IO::Socket::SSL::Utils::PEM_cert2file($ca->[0], "$dir/ca.pem");

    $cert{''} = $cert{'good.test'};
    $key{''} = $key{'good.test'};

    return (\%cert, \%key);
}


1;
