#!/usr/bin/perl
# The app that is deployed: answers every request on $HOST:$PORT with its version, and starts in 10 ms.
use strict;
use warnings;
use Socket;

open my $file, '<', 'built' or die "built: $!";
my $version = <$file>;
my $answer = "HTTP/1.0 200 OK\r\nContent-Length: " . length($version) . "\r\n\r\n$version";

socket my $server, PF_INET, SOCK_STREAM, 0 or die "socket: $!";
setsockopt $server, SOL_SOCKET, SO_REUSEADDR, 1;
bind $server, sockaddr_in($ENV{PORT}, inet_aton($ENV{HOST})) or die "bind: $!";
listen $server, 16 or die "listen: $!";
while (accept my $client, $server) {
    my $line;
    do { $line = <$client> } while defined $line && $line =~ /\S/;
    syswrite $client, $answer;
    close $client;
}
