update logins l set email = :email
where l.id = :id and not (l.holder and exists (select from logins other where other.email = :email and other.holder and other.id <> l.id))
