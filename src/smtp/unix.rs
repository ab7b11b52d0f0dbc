//! Unix sockets that we make (unix(7)): never open to more than their mode says, not for a moment, and gone
//! when we are.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::unistd::Group;
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;

use super::settings::UnixSocket;
use super::socket::{BACKLOG, BindError};

/// Octets that the private folder puts into a path: `/.` and six characters.
const PRIVATE: usize = 8;
/// The longest path of a socket that we can make: unix(7) has 108 octets for a path with its NUL.
pub const LONGEST_PATH: usize = 107 - PRIVATE;

/// The socket that we made; removed with this, unless somebody has put another one in its place.
#[derive(Debug)]
pub(super) struct Made {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// Makes a unix socket. One that nobody answers at is replaced; anything else that is there stays.
///
/// It is made in a folder that only we may enter, and comes to its place with its group and mode, listening.
pub(super) fn bind(wanted: &UnixSocket) -> Result<(UnixListener, Made), BindError> {
    let group = wanted.group.as_deref().map(group).transpose()?;
    is_free(&wanted.path)?;
    let (folder, name) = (wanted.path.parent().unwrap_or(Path::new("")), wanted.path.file_name().unwrap_or_default());
    let private = private_folder(folder).map_err(BindError::Unix)?;
    let hidden = private.path().join(name);
    let listener = listen(&hidden).map_err(BindError::Unix)?;
    if let Some(group) = group {
        let refused = |source| BindError::Group { group: group.name.clone(), source };
        chown(&hidden, None, Some(group.gid.as_raw())).map_err(refused)?;
    }
    let made = show(&hidden, wanted).map_err(BindError::Unix)?;
    Ok((listener, made))
}

fn group(name: &str) -> Result<Group, BindError> {
    // Where the directory of groups cannot be asked, that is no statement about the group.
    let group = Group::from_name(name).map_err(|error| BindError::Unix(error.into()))?;
    group.ok_or_else(|| BindError::NoGroup(name.into()))
}

/// Whether a socket may be put at the path: nothing is there, or a socket of somebody who is gone.
fn is_free(path: &Path) -> Result<(), BindError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(BindError::Unix(error)),
        Ok(there) if !there.file_type().is_socket() => return Err(BindError::NotASocket),
        Ok(_) => {}
    }
    match knock(path).map_err(|error| error.kind()) {
        // Also where nobody accepts fast enough: the socket's owner is there.
        Ok(()) | Err(io::ErrorKind::WouldBlock) => Err(BindError::InUse),
        Err(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => Ok(()),
        Err(kind) => Err(BindError::Unix(kind.into())),
    }
}

/// Connects without waiting, and goes away.
fn knock(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

/// Beside the socket's place, since a file cannot be renamed into another file system.
fn private_folder(beside: &Path) -> io::Result<TempDir> {
    let here = if beside.as_os_str().is_empty() { Path::new(".") } else { beside };
    tempfile::Builder::new().prefix(".").permissions(Permissions::from_mode(0o700)).tempdir_in(here)
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Gives the socket its mode, whatever the umask says, and brings it to its place.
fn show(hidden: &Path, wanted: &UnixSocket) -> io::Result<Made> {
    fs::set_permissions(hidden, Permissions::from_mode(wanted.mode))?;
    let file = fs::symlink_metadata(hidden)?;
    fs::rename(hidden, &wanted.path)?;
    Ok(Made { path: wanted.path.clone(), device: file.dev(), inode: file.ino() })
}

impl Drop for Made {
    fn drop(&mut self) {
        let is_ours = |file: fs::Metadata| (file.dev(), file.ino()) == (self.device, self.inode);
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::debug!(path = %self.path.display(), %error, "a socket could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    fn at(path: &Path) -> UnixSocket {
        UnixSocket { path: path.into(), mode: 0o600, group: None }
    }

    #[test]
    fn nobody_else_can_enter_where_a_socket_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let private = private_folder(folder.path()).unwrap();
        assert_eq!(fs::metadata(private.path()).unwrap().mode() & 0o777, 0o700);
        let octets = |path: &Path| path.as_os_str().len();
        assert_eq!(octets(private.path()) - octets(folder.path()), PRIVATE);
    }

    #[test]
    fn a_socket_that_somebody_listens_at_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let (listener, _made) = bind(&at(&path)).unwrap();
        // Nobody accepts; a second question must not wait for it either.
        for _ in 0..2 {
            assert!(matches!(bind(&at(&path)), Err(BindError::InUse)));
        }
        listener.set_nonblocking(false).unwrap();
        assert!(listener.accept().is_ok(), "the listener was not disturbed");
    }

    #[test]
    fn a_full_backlog_is_in_use_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        socket.listen(0).unwrap();
        let _first = UnixStream::connect(&path).unwrap();
        assert!(matches!(bind(&at(&path)), Err(BindError::InUse)));
    }

    #[test]
    fn a_datagram_socket_is_somebody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let _datagram = UnixDatagram::bind(&path).unwrap();
        assert!(matches!(bind(&at(&path)), Err(BindError::Unix(_))));
        assert!(path.exists());
    }

    #[test]
    fn the_socket_goes_with_its_listener_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let (_, made) = bind(&at(&path)).unwrap();
        drop(made);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let (_, made) = bind(&at(&path)).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "somebody else's").unwrap();
        drop(made);
        assert!(path.exists());
    }
}
