#!/usr/bin/perl
# The app that is deployed: answers every request on $HOST:$PORT with its version. It loads no module, not even those for
# sockets, so that it starts at once; the numbers are Linux's.

# What systemd starts inherits nothing; its stand-in cannot see to that, and a shell's locks would stay held.
for my $inherited (10 .. 63) { open my $handle, '<&=', $inherited and close $handle; }

open my $file, '<', 'built' or die "built: $!";
my $version = <$file>;
my $answer = "HTTP/1.0 200 OK\r\nContent-Length: " . length($version) . "\r\n\r\n$version";

my ($inet, $stream, $socket_level, $reuse) = (2, 1, 1, 2);
socket my $server, $inet, $stream, 0 or die "socket: $!";
setsockopt $server, $socket_level, $reuse, 1;
bind $server, pack('S n C4 x8', $inet, $ENV{PORT}, split /\./, $ENV{HOST}) or die "bind: $!";
listen $server, 16 or die "listen: $!";
while (accept my $client, $server) {
    my $line;
    do { $line = <$client> } while defined $line && $line =~ /\S/;
    syswrite $client, $answer;
    close $client;
}
