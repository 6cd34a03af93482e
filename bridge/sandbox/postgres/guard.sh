# Becomes the server ("$@"), after leaving a guard behind that outlives it only for a moment.
#
# A server must not outlive the program that started it, even when that is killed with SIGKILL and
# can clean up nothing. The kernel closes its pipes in any case, so the guard waits at our standard
# input: a line means "the server has stopped, go", the end of the input means "the parent is gone".
# Linux's parent-death signal would need code between fork and exec in a threaded program, fires when
# the starting *thread* ends, and does not exist on macOS.
#
# $1: a folder to remove when the parent is gone; the rest: the server's command.

leftovers=$1
shift
server=$$ # exec keeps the process id, so the parent's child is the server itself
exec 3<&0

# Twice in the background: the server would take a child that it did not start for a crashed one.
(
    (
        read -r _ <&3 && exit
        kill -QUIT "$server"
        tries=0
        while kill -0 "$server" 2>/dev/null && [ "$tries" -lt 100 ]; do
            sleep 0.1
            tries=$((tries + 1))
        done
        kill -KILL "$server" 2>/dev/null
        rm -rf -- "$leftovers"
    ) &
)

exec "$@" </dev/null 3<&-
